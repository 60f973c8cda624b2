"""DAGs are pushed whole, and nobody else's push is lost."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.cli import dag_files
from infra.cli.dag_repository import Changes, Remote, Repository
from infra.cli.dags import DagPusher
from infra.cli.operate import tell_changes, tell_left
from infra.errors import UpdraftError


def git(*args: str, cwd: Path) -> str:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    done = subprocess.run(["git", *who, *args], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    made = tmp_path / "remote.git"
    git("init", "-q", "--bare", "-b", "main", str(made), cwd=tmp_path)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "dags"
    (made / "__pycache__").mkdir(parents=True)
    (made / "__pycache__" / "a.pyc").write_text("compiled")
    (made / "a.py").write_text("a = 1\n")
    return made


def pusher(folder: Path, bare: Path, state: Path, sub_path: str = "dags") -> DagPusher:
    return DagPusher(folder, state, Remote(str(bare), "main", "dags", "secret", sub_path))


def files(bare: Path) -> dict[str, str]:
    names = git("ls-tree", "-r", "--name-only", "main", cwd=bare).splitlines()
    return {name: git("show", f"main:{name}", cwd=bare) for name in names}


def push_as_somebody(bare: Path, tmp_path: Path, name: str, text: str) -> None:
    clone = tmp_path / f"clone-{name.replace('/', '-')}"
    git("clone", "-q", str(bare), str(clone), cwd=tmp_path)
    (clone / name).parent.mkdir(exist_ok=True)
    (clone / name).write_text(text)
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "Add mine", cwd=clone)
    git("push", "-q", "origin", "HEAD:main", cwd=clone)


@pytest.mark.parametrize(
    ("sub_path", "expected"), [("dags", "dags/a.py"), ("", "a.py"), ("x/y", "x/y/a.py")]
)
def test_the_folder_arrives_below_the_sub_path_without_compiled_files(
    folder: Path, bare: Path, tmp_path: Path, sub_path: str, expected: str
) -> None:
    assert pusher(folder, bare, tmp_path / "state", sub_path).push().new
    assert files(bare) == {expected: "a = 1"}


def test_the_same_content_is_pushed_once(folder: Path, bare: Path, tmp_path: Path) -> None:
    first = pusher(folder, bare, tmp_path / "state").push()
    again = pusher(folder, bare, tmp_path / "state").push()
    assert (again.commit, again.new) == (first.commit, False)
    # Neither is it when the state was lost, as by another clone of the checkout.
    assert not pusher(folder, bare, tmp_path / "other").push().new
    assert git("rev-list", "--count", "main", cwd=bare) == "1"


def test_a_remote_that_was_made_anew_gets_all_again(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    git("update-ref", "-d", "refs/heads/main", cwd=bare)
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    assert pusher(folder, bare, tmp_path / "state").push().changes.added == ("dags/a.py",)
    assert files(bare) == {"dags/a.py": "a = 1", "dags/theirs.py": "theirs = 1"}


def test_a_deleted_dag_goes(folder: Path, bare: Path, tmp_path: Path) -> None:
    (folder / "b.py").write_text("b = 1\n")
    pusher(folder, bare, tmp_path / "state").push()
    (folder / "b.py").unlink()
    assert pusher(folder, bare, tmp_path / "state").push().new
    assert list(files(bare)) == ["dags/a.py"]


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


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_who_takes_their_version_as_the_error_says_can_change_it_from_there(
    mode: int, folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    (folder / "a.py").chmod(mode)
    push_as_somebody(bare, tmp_path, "dags/a.py", "a = 'theirs'\n")
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    (folder / "a.py").write_text("a = 'ours'\n")
    with pytest.raises(UpdraftError) as caught:
        pusher(folder, bare, tmp_path / "state").push()
    print(caught.value)
    command = caught.value.fix.partition("(")[2].partition(")")[0]
    subprocess.run(command, shell=True, check=True)  # noqa: S602 -- as a user would type it
    assert (folder / "a.py").read_text() == "a = 'theirs'\n"
    assert not pusher(folder, bare, tmp_path / "state").push().new
    (folder / "a.py").write_text("a = 'both'\n")
    assert pusher(folder, bare, tmp_path / "state").push().changes.changed == ("dags/a.py",)
    assert files(bare) == {"dags/a.py": "a = 'both'", "dags/theirs.py": "theirs = 1"}


@pytest.mark.parametrize("theirs", ["nothing", "a folder"])
def test_who_takes_a_file_out_as_the_error_says_can_go_on(
    theirs: str, folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    clone = tmp_path / "clone"
    git("clone", "-q", str(bare), str(clone), cwd=tmp_path)
    git("rm", "-q", "dags/a.py", cwd=clone)
    if theirs == "a folder":
        (clone / "dags" / "a.py").mkdir(parents=True)
        (clone / "dags" / "a.py" / "b.py").write_text("b = 1\n")
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "Remove a", cwd=clone)
    git("push", "-q", cwd=clone)
    (folder / "a.py").write_text("a = 'ours'\n")
    with pytest.raises(UpdraftError) as caught:
        pusher(folder, bare, tmp_path / "state").push()
    print(caught.value)
    assert caught.value.fix.startswith("take dags/a.py out of the folder, as they have, push")
    (folder / "a.py").unlink()
    assert not pusher(folder, bare, tmp_path / "state").push().new
    (folder / "a2.py").write_text("a = 'ours'\n")
    assert pusher(folder, bare, tmp_path / "state").push().changes.added == ("dags/a2.py",)


def test_a_file_of_one_side_that_is_a_folder_of_the_other_is_refused_by_name(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/shared", "theirs\n")
    (folder / "shared").mkdir()
    (folder / "shared" / "ours.py").write_text("ours = 1\n")
    with pytest.raises(UpdraftError, match="others changed the same DAGs: dags/shared\n"):
        pusher(folder, bare, tmp_path / "state").push()


def test_an_unreachable_remote_is_named(folder: Path, tmp_path: Path) -> None:
    remote = Remote("http://127.0.0.1:9/dags.git", "main", "dags", "s3cret")
    with pytest.raises(UpdraftError, match="git failed") as caught:
        DagPusher(folder, tmp_path / "state", remote).push()
    assert "http://127.0.0.1:9/dags.git" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_users_own_git_settings_take_no_file_away(
    folder: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "config" / "git"
    settings.mkdir(parents=True)
    (settings / "ignore").write_text("*.sql\n")
    (settings / "attributes").write_text("* text eol=crlf\n")
    (settings / "config").write_text("[core]\n\tautocrlf = true\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (folder / "query.sql").write_bytes(b"SELECT 1;\r\n")
    pusher(folder, bare, tmp_path / "state").push()
    assert files(bare).keys() == {"dags/a.py", "dags/query.sql"}
    raw = subprocess.run(
        ["git", "show", "main:dags/query.sql"], cwd=bare, check=True, capture_output=True
    ).stdout
    assert raw == b"SELECT 1;\r\n"


@pytest.mark.parametrize("commit", [True, False])
def test_a_repository_within_the_folder_is_refused_by_name(
    folder: Path, bare: Path, tmp_path: Path, commit: bool
) -> None:
    inner = folder / "library"
    inner.mkdir()
    git("init", "-q", cwd=inner)
    if commit:
        (inner / "m.py").write_text("m = 1\n")
        git("add", "-A", cwd=inner)
        git("commit", "-qm", "Begin", cwd=inner)
    with pytest.raises(UpdraftError) as caught:
        pusher(folder, bare, tmp_path / "state").push()
    print(caught.value)
    assert "library" in caught.value.what
    assert "address" not in caught.value.fix
    assert git("for-each-ref", cwd=bare) == ""


def test_a_push_that_was_killed_is_in_nobodys_way(folder: Path, bare: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    pusher(folder, bare, state).push()
    (folder / "new.py").write_text("new = 1\n")
    kept = state / "dags.git"
    for name in ("index.dags.lock", "refs/updraft/pushed.lock", "HEAD.lock"):
        (kept / name).touch()
    (kept / "HEAD").write_text("")
    assert pusher(folder, bare, state).push().changes.added == ("dags/new.py",)


@pytest.mark.parametrize("target", [".", "..", "beside"])
def test_a_link_at_which_the_dag_processor_would_end_is_refused_by_name(
    target: str, folder: Path, bare: Path, tmp_path: Path
) -> None:
    (folder / "within").mkdir()
    (folder / "within" / "one.py").write_text("one = 1\n")
    (folder / "within" / "beside").mkdir()
    (folder / "within" / "beside" / "two.py").write_text("two = 2\n")
    (folder / "within" / "back").symlink_to(target)
    (folder / "elsewhere").symlink_to("/etc")
    (folder / "nowhere").symlink_to("not there")
    (folder / "loop").symlink_to("loop")
    with pytest.raises(UpdraftError, match="among the DAGs already: within/back\n"):
        pusher(folder, bare, tmp_path / "state").push()


def test_a_large_file_is_refused_by_name_before_it_is_pushed(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    with (folder / "big.bin").open("wb") as file:
        file.truncate(dag_files.LARGEST + 1)
    with pytest.raises(UpdraftError, match=r"more than 20 MiB: big\.bin"):
        pusher(folder, bare, tmp_path / "state").push()
    assert git("for-each-ref", cwd=bare) == ""
    with (folder / "big.bin").open("wb") as file:
        file.truncate(dag_files.LARGEST)
    assert pusher(folder, bare, tmp_path / "state").push().new


def test_a_name_of_any_bytes_is_pushed_and_told_without_moving_the_cursor(
    folder: Path, bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/odd\xff\x1b[2J.txt"))).write_text("odd")
    pushed = pusher(folder, bare, tmp_path / "state").push()
    tell_changes(print, pushed.changes)
    told = capsys.readouterr().out
    assert "adds     dags/odd\\udcff\\x1b[2J.txt" in told
    assert told.isascii()


def test_a_push_that_others_overtake_says_so(folder: Path, bare: Path, tmp_path: Path) -> None:
    def overtake(_: Changes) -> None:
        push_as_somebody(bare, tmp_path, "b.py", "b = 1\n")

    pusher(folder, bare, tmp_path / "state").push()
    (folder / "a.py").write_text("a = 2\n")
    with pytest.raises(UpdraftError, match="others have pushed meanwhile") as caught:
        pusher(folder, bare, tmp_path / "state").push(overtake)
    assert "run it again" in caught.value.fix
    assert files(bare)["dags/a.py"] == "a = 1"


def test_a_push_whose_answer_was_lost_stays_our_own(
    folder: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = DagPusher._send

    def lost(self: DagPusher, commit: str) -> None:
        sent(self, commit)
        raise UpdraftError("git failed: the connection was closed")

    pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    (folder / "b.py").write_text("b = 1\n")
    (folder / "a.py").write_text("a = 2\n")
    with monkeypatch.context() as patched:
        patched.setattr(DagPusher, "_send", lost)
        with pytest.raises(UpdraftError, match="was closed"):
            pusher(folder, bare, tmp_path / "state").push()
    (folder / "b.py").unlink()
    (folder / "a.py").write_text("a = 3\n")
    done = pusher(folder, bare, tmp_path / "state").push()
    assert done.changes == Changes(changed=("dags/a.py",), removed=("dags/b.py",))
    assert files(bare) == {"dags/a.py": "a = 3", "dags/theirs.py": "theirs = 1"}


def test_a_name_with_a_carriage_return_keeps_it_through_a_merge(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/Icon\r", "theirs\n")
    (folder / "b.py").write_text("b = 1\n")
    assert pusher(folder, bare, tmp_path / "state").push().changes == Changes(("dags/b.py",))


def test_asking_for_the_newest_commit_disturbs_no_push(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    repository = Repository.beside(state, Remote(str(bare), "main", "dags", "secret"))
    assert repository.newest() == ""
    commit = pusher(folder, bare, state).push().commit
    lock = state / "dags.git" / "index.dags.lock"
    lock.touch()
    assert repository.newest() == commit
    assert lock.exists()


def test_a_missing_folder_is_named(bare: Path, tmp_path: Path) -> None:
    with pytest.raises(UpdraftError, match="folder of DAGs is missing"):
        pusher(tmp_path / "nowhere", bare, tmp_path / "state").push()


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
    tell_left(told.append, done.left)
    print("\n".join(told))
    assert told[:2] == ["adds     dags/new.py", "changes  dags/a.py"]
    assert told[2:6] == [
        "leaves   README: others pushed it",
        "leaves   dags/theirs.py: others pushed it",
        "leaves   dags/b.py: others changed it, and their version stays",
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
