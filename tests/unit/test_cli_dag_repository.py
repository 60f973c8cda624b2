"""DAGs are pushed from a repository of their own, whatever git's settings and a kill left."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.cli.dag_repository import Remote, Repository
from infra.cli.dags import DagPusher
from infra.errors import UpdraftError
from tests.unit.dag_pushes import files, git, push_as_somebody, pusher


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


def test_a_push_that_was_killed_is_in_nobodys_way(folder: Path, bare: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    pusher(folder, bare, state).push()
    (folder / "new.py").write_text("new = 1\n")
    kept = state / "dags.git"
    for name in ("index.dags.lock", "refs/updraft/pushed.lock", "HEAD.lock"):
        (kept / name).touch()
    (kept / "HEAD").write_text("")
    assert pusher(folder, bare, state).push().changes.added == ("dags/new.py",)


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


def damage(state: Path, what: str) -> Path:
    """Break something of the repository of DAGs; where it is kept."""
    kept = state / "dags.git"
    if what == "a ref":
        (kept / "refs" / "updraft" / "seen").write_text("")
        return kept
    name = git("rev-parse", f"refs/updraft/pushed{what}", cwd=kept)
    broken = kept / "objects" / name[:2] / name[2:]
    broken.chmod(0o644)
    broken.write_text("damaged")
    return kept


@pytest.mark.parametrize("what", ["^{commit}", "^{tree}", ":dags/a.py", "a ref"])
def test_a_damaged_repository_here_is_not_told_as_the_remotes_fault(
    what: str, folder: Path, bare: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    (folder / "b.py").write_text("b = 1\n")
    pusher(folder, bare, state).push()
    kept = damage(state, what)
    git("update-ref", "-d", "refs/heads/main", cwd=bare)
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    with pytest.raises(UpdraftError, match="git failed") as caught:
        pusher(folder, bare, state).push()
    print(caught.value)
    assert caught.value.where == str(kept)
    assert "delete that folder" in caught.value.fix
    shutil.rmtree(kept)
    pusher(folder, bare, state).push()
    assert files(bare).keys() == {"dags/a.py", "dags/b.py", "dags/theirs.py"}
