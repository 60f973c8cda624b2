"""It is known what was pushed from here before, whatever became of that push."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.cli.dag_repository import Changes
from infra.cli.dags import DagPusher
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
