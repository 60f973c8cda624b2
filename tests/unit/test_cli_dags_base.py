"""It is known what was pushed from here before, whatever became of that push."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.cli.dag_repository import Changes, Repository
from infra.errors import UpdraftError
from tests.unit.dag_pushes import files, git, push_as_somebody, pusher


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


def test_a_push_that_others_overtake_says_so(folder: Path, bare: Path, tmp_path: Path) -> None:
    def overtake(_: Changes) -> None:
        push_as_somebody(bare, tmp_path, "b.py", "b = 1\n")

    pusher(folder, bare, tmp_path / "state").push()
    (folder / "a.py").write_text("a = 2\n")
    with pytest.raises(UpdraftError, match="others have pushed meanwhile") as caught:
        pusher(folder, bare, tmp_path / "state").push(overtake)
    assert "run it again" in caught.value.fix
    assert files(bare)["dags/a.py"] == "a = 1"


def lose(monkeypatch: pytest.MonkeyPatch, push: Callable[[], object], *, taken: bool) -> None:
    """A push that ends without the server's answer, which has taken it or not."""
    run = Repository.over_http

    def lost(self: Repository, *args: str) -> str:
        if args[0] != "push":
            return run(self, *args)
        if taken:
            run(self, *args)
        raise UpdraftError("git failed: the connection was closed")

    with monkeypatch.context() as patched:
        patched.setattr(Repository, "over_http", lost)
        with pytest.raises(UpdraftError, match="was closed"):
            push()


@pytest.mark.parametrize("between", ["nothing", "a lost push", "a mirror", "a lost mirror"])
def test_a_push_whose_answer_was_lost_stays_our_own_whatever_fails_after_it(
    between: str, folder: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    pusher(folder, bare, state).push()
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    (folder / "b.py").write_text("b = 1\n")
    (folder / "a.py").write_text("a = 2\n")
    lose(monkeypatch, pusher(folder, bare, state).push, taken=True)
    (folder / "c.py").write_text("c = 1\n")
    if between == "a lost push":
        lose(monkeypatch, pusher(folder, bare, state).push, taken=False)
    elif between == "a mirror":
        with pytest.raises(UpdraftError, match="not agreed to"):
            pusher(folder, bare, state).push(mirror=not_agreed)
    elif between == "a lost mirror":
        push = pusher(folder, bare, state).push
        lose(monkeypatch, lambda: push(mirror=lambda _: None), taken=False)
    (folder / "c.py").unlink()
    (folder / "b.py").unlink()
    (folder / "a.py").write_text("a = 1\n")
    done = pusher(folder, bare, state).push()
    print(done)
    assert done.changes == Changes(changed=("dags/a.py",), removed=("dags/b.py",))
    assert files(bare) == {"dags/a.py": "a = 1", "dags/theirs.py": "theirs = 1"}


def not_agreed(_: Changes) -> None:
    raise UpdraftError("not agreed to")


@pytest.mark.parametrize("between", ["nothing to push", "a lost push"])
def test_a_push_that_the_server_takes_after_the_next_one_has_looked_stays_our_own(
    between: str, folder: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    before = pusher(folder, bare, state).push().commit
    (folder / "a.py").write_text("a = 2\n")
    lose(monkeypatch, pusher(folder, bare, state).push, taken=True)
    late = git("rev-parse", "main", cwd=bare)
    git("update-ref", "refs/heads/main", before, cwd=bare)
    if between == "a lost push":
        (folder / "a.py").write_text("a = 3\n")
        lose(monkeypatch, pusher(folder, bare, state).push, taken=False)
    (folder / "a.py").write_text("a = 1\n")
    assert not pusher(folder, bare, state).push().new
    git("update-ref", "refs/heads/main", late, cwd=bare)
    done = pusher(folder, bare, state).push()
    assert (done.changes, done.left) == (Changes(changed=("dags/a.py",)), Changes())
    assert files(bare) == {"dags/a.py": "a = 1"}
