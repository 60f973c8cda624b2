"""What others pushed is kept, named, and given up by a mirror alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.cli.dag_report import tell_changes, tell_left
from infra.cli.dag_repository import Changes
from infra.errors import UpdraftError
from tests.unit.dag_pushes import files, git, push_as_somebody, pusher


def test_what_others_pushed_stays(folder: Path, bare: Path, tmp_path: Path) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    assert not pusher(folder, bare, tmp_path / "state").push().new
    (folder / "a.py").write_text("a = 2\n")
    assert pusher(folder, bare, tmp_path / "state").push().new
    assert not pusher(folder, bare, tmp_path / "state").push().new
    assert files(bare) == {"dags/a.py": "a = 2", "dags/theirs.py": "theirs = 1"}


def test_a_push_names_the_folders_own_content_whatever_others_pushed(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    first = pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    beside = pusher(folder, bare, tmp_path / "state").push()
    (folder / "a.py").write_text("a = 2\n")
    changed = pusher(folder, bare, tmp_path / "state").push()
    assert beside.commit != first.commit
    assert beside.tree == first.tree
    assert changed.tree != first.tree


def test_a_change_of_the_same_dag_is_refused_by_name(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/a.py", "a = 'theirs'\n")
    (folder / "a.py").write_text("a = 'ours'\n")
    with pytest.raises(UpdraftError, match=r"others changed the same DAGs: dags/a\.py\n"):
        pusher(folder, bare, tmp_path / "state").push()
    assert files(bare) == {"dags/a.py": "a = 'theirs'"}


def test_no_file_is_ever_made_of_both_sides_lines(folder: Path, bare: Path, tmp_path: Path) -> None:
    lines = [f"line_{number} = {number}\n" for number in range(40)]
    (folder / "a.py").write_text("".join(lines))
    pusher(folder, bare, tmp_path / "state").push()
    theirs = "".join(["first = 'theirs'\n", *lines])
    push_as_somebody(bare, tmp_path, "dags/a.py", theirs)
    (folder / "a.py").write_text("".join([*lines, "last = 'ours'\n"]))
    with pytest.raises(UpdraftError, match="others changed the same DAGs"):
        pusher(folder, bare, tmp_path / "state").push()
    assert files(bare) == {"dags/a.py": theirs.rstrip()}


def test_a_name_with_a_carriage_return_keeps_it_through_a_merge(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/Icon\r", "theirs\n")
    (folder / "b.py").write_text("b = 1\n")
    assert pusher(folder, bare, tmp_path / "state").push().changes == Changes(("dags/b.py",))


def pushed_by_both(folder: Path, bare: Path, tmp_path: Path) -> None:
    """Push a, b and c; somebody adds README and theirs, changes b and removes c."""
    (folder / "b.py").write_text("b = 1\n")
    (folder / "c.py").write_text("c = 1\n")
    first = pusher(folder, bare, tmp_path / "state").push()
    assert first.changes == Changes(added=("dags/a.py", "dags/b.py", "dags/c.py"))
    assert first.left == Changes()
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    push_as_somebody(bare, tmp_path, "README", "read me\n")
    push_as_somebody(bare, tmp_path, "dags/b.py", "b = 'theirs'\n")
    git("rm", "-q", "dags/c.py", cwd=tmp_path / "clone-dags-b.py")
    git("commit", "-qm", "Remove c", cwd=tmp_path / "clone-dags-b.py")
    git("push", "-q", "origin", "HEAD:main", cwd=tmp_path / "clone-dags-b.py")


def test_a_push_tells_what_it_does_and_what_of_others_it_leaves(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pushed_by_both(folder, bare, tmp_path)
    (folder / "a.py").write_text("a = 2\n")
    (folder / "new.py").write_text("new = 1\n")
    done = pusher(folder, bare, tmp_path / "state").push()
    assert done.changes == Changes(added=("dags/new.py",), changed=("dags/a.py",))
    assert done.left == Changes(("README", "dags/theirs.py"), ("dags/b.py",), ("dags/c.py",))
    told: list[str] = []
    tell_changes(told.append, done.changes)
    tell_left(told.append, done)
    print("\n".join(told))
    assert told[:2] == ["adds     dags/new.py", "changes  dags/a.py"]
    assert told[2:6] == [
        "leaves   README: others pushed it",
        "leaves   dags/theirs.py: others pushed it",
        "leaves   dags/b.py: others pushed another version, which stays",
        "leaves   dags/c.py: others removed it",
    ]
    assert "MIRROR=1" in told[6]
    (folder / "new.py").unlink()
    again = pusher(folder, bare, tmp_path / "state").push()
    assert again.changes == Changes(removed=("dags/new.py",))


def test_a_mirror_tells_what_goes_and_then_holds_the_folder_alone(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pushed_by_both(folder, bare, tmp_path)
    before = files(bare)
    asked: list[Changes] = []

    def refuse(changes: Changes) -> None:
        asked.append(changes)
        raise UpdraftError("not agreed to")

    with pytest.raises(UpdraftError, match="not agreed to"):
        pusher(folder, bare, tmp_path / "state").push(mirror=refuse)
    assert asked == [Changes(("dags/c.py",), ("dags/b.py",), ("README", "dags/theirs.py"))]
    assert files(bare) == before
    done = pusher(folder, bare, tmp_path / "state").push(mirror=asked.append)
    assert (done.changes, done.left) == (asked[0], Changes())
    assert files(bare) == {"dags/a.py": "a = 1", "dags/b.py": "b = 1", "dags/c.py": "c = 1"}
    # Another one has nothing to ask for, and a plain push goes on from there.
    assert not pusher(folder, bare, tmp_path / "state").push(mirror=refuse).new
    (folder / "a.py").write_text("a = 3\n")
    assert pusher(folder, bare, tmp_path / "state").push().changes == Changes(
        changed=("dags/a.py",)
    )


def test_a_mirror_settles_a_change_of_the_same_dag(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/a.py", "a = 'theirs'\n")
    (folder / "a.py").write_text("a = 'ours'\n")
    with pytest.raises(UpdraftError, match="MIRROR=1"):
        pusher(folder, bare, tmp_path / "state").push()
    pusher(folder, bare, tmp_path / "state").push(mirror=lambda _: None)
    assert files(bare) == {"dags/a.py": "a = 'ours'"}
