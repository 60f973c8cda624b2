"""Who has not pushed before takes nothing from others unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.cli.dag_report import tell_left
from infra.cli.dag_repository import Changes
from infra.errors import UpdraftError
from tests.unit.dag_pushes import files, git, push_as_somebody, pusher

# Of another machine: there, and of them changed here, gone here and new here.
THEIRS = {"dags/a.py": "a = 1", "dags/b.py": "b = 1", "dags/c.py": "c = 1"}


@pytest.fixture
def older(folder: Path, bare: Path, tmp_path: Path) -> Path:
    """The folder of a machine that never pushed; another one pushed more, and somebody by git."""
    (folder / "b.py").write_text("b = 1\n")
    (folder / "c.py").write_text("c = 1\n")
    pusher(folder, bare, tmp_path / "another").push()
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    (folder / "a.py").write_text("a = 0\n")
    (folder / "b.py").unlink()
    (folder / "new.py").write_text("new = 1\n")
    return folder


def test_the_first_push_only_adds_and_says_what_it_left(
    older: Path, bare: Path, tmp_path: Path
) -> None:
    done = pusher(older, bare, tmp_path / "state").push()
    print(done)
    assert done.changes == Changes(added=("dags/new.py",))
    assert done.left == Changes(("dags/b.py", "dags/theirs.py"), ("dags/a.py",))
    assert files(bare) == {**THEIRS, "dags/new.py": "new = 1", "dags/theirs.py": "theirs = 1"}
    told: list[str] = []
    tell_left(told.append, done)
    print("\n".join(told))
    assert "leaves   dags/a.py: others pushed another version, which stays" in told
    assert "make push-dags" in told[-2]
    assert not any("MIRROR" in line for line in told)
    # Nothing of that is its own by now.
    again = pusher(older, bare, tmp_path / "state").push()
    assert (again.new, again.left) == (False, done.left)


@pytest.mark.parametrize("added", [True, False])
def test_a_push_that_asks_takes_the_newest_push_for_its_own(
    added: bool, older: Path, bare: Path, tmp_path: Path
) -> None:
    if added:
        pusher(older, bare, tmp_path / "state").push()
    before = files(bare)
    asked: list[Changes] = []

    def refuse(changes: Changes) -> None:
        asked.append(changes)
        raise UpdraftError("not agreed to")

    with pytest.raises(UpdraftError, match="not agreed to"):
        pusher(older, bare, tmp_path / "state").push(takeover=refuse)
    new = () if added else ("dags/new.py",)
    assert asked == [Changes(new, ("dags/a.py",), ("dags/b.py",))]
    assert files(bare) == before
    done = pusher(older, bare, tmp_path / "state").push(takeover=asked.append)
    assert done.changes == asked[0]
    assert done.left == Changes(added=("dags/theirs.py",))
    # From now on it is known what is its own.
    (older / "c.py").unlink()
    assert pusher(older, bare, tmp_path / "state").push().changes == Changes(removed=("dags/c.py",))


def test_a_folder_that_others_have_whole_counts_as_pushed_and_what_is_more_as_theirs(
    older: Path, bare: Path, tmp_path: Path
) -> None:
    (older / "a.py").write_text("a = 1\n")
    done = pusher(older, bare, tmp_path / "state").push()
    assert done.left == Changes(added=("dags/b.py", "dags/theirs.py"))
    (older / "a.py").write_text("a = 2\n")
    (older / "new.py").unlink()
    again = pusher(older, bare, tmp_path / "state").push()
    assert again.changes == Changes(changed=("dags/a.py",), removed=("dags/new.py",))
    assert again.left == done.left


def test_a_first_push_leaves_gone_what_others_removed_from_a_push(
    older: Path, bare: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "remover"
    git("clone", "-q", str(bare), str(clone), cwd=tmp_path)
    git("rm", "-q", "dags/c.py", cwd=clone)
    git("commit", "-qm", "Remove c", cwd=clone)
    git("push", "-q", cwd=clone)
    done = pusher(older, bare, tmp_path / "state").push()
    assert done.changes == Changes(added=("dags/new.py",))
    assert done.left.removed == ("dags/c.py",)
