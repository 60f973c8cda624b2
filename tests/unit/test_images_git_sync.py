"""git-sync's script against real repositories: what it checks out, and what it refuses."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "images/git-sync/git-sync"


@dataclass
class Remote:
    """A repository that is pushed to, and where it is checked out."""

    path: Path
    root: Path

    def git(self, *arguments: str) -> str:
        """Run git there."""
        who = ("-c", "user.name=a", "-c", "user.email=a@localhost")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, text: str) -> str:
        """Commit a file with the text; return the commit."""
        (self.path / "dag.py").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", text)
        return self.git("rev-parse", "HEAD")

    def sync(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run git-sync once."""
        environment = {
            "PATH": os.environ["PATH"],
            "GITSYNC_REPO": self.path.as_uri(),
            "GITSYNC_REF": "main",
            "GITSYNC_ROOT": str(self.root),
            "GITSYNC_LINK": "repo",
            "GITSYNC_ONE_TIME": "true",
            "GITSYNC_PERIOD": "10ms",
            **variables,
        }
        return subprocess.run(
            [SCRIPT], env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def checked_out(self) -> str:
        """What the file says behind the link."""
        return (self.root / "repo" / "dag.py").read_text()

    @property
    def worktrees(self) -> set[str]:
        """The commits that are checked out."""
        return {path.name for path in (self.root / ".worktrees").iterdir()}


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    path = tmp_path / "remote"
    path.mkdir()
    made = Remote(path, tmp_path / "root")
    made.git("init", "-q", "-b", "main")
    made.git("config", "uploadpack.allowAnySHA1InWant", "true")
    made.commit("one")
    return made


def test_the_link_moves_to_each_new_commit_and_the_last_one_stays(remote: Remote) -> None:
    commits = [remote.git("rev-parse", "HEAD")]
    for text in ("one", "two", "three"):
        if text != "one":
            commits.append(remote.commit(text))
        done = remote.sync()
        print(done.stderr, remote.worktrees)
        assert done.returncode == 0
        assert remote.checked_out == text
        assert (remote.root / "repo").readlink() == Path(".worktrees") / commits[-1]
        assert remote.worktrees == {*commits[-2:]}


@pytest.mark.parametrize("depth", ["1", "0"])
def test_a_tag_and_a_commit_can_be_followed_too(remote: Remote, depth: str) -> None:
    first = remote.git("rev-parse", "HEAD")
    remote.git("tag", "v1")
    remote.commit("two")
    for reference in ("v1", first):
        done = remote.sync(GITSYNC_REF=reference, GITSYNC_DEPTH=depth)
        print(done.stderr)
        assert done.returncode == 0
        assert remote.checked_out == "one"


def test_the_older_variables_are_honoured(remote: Remote) -> None:
    remote.git("switch", "-qc", "other")
    remote.commit("other")
    remote.git("switch", "-q", "main")
    done = remote.sync(
        GITSYNC_REF="", GIT_SYNC_BRANCH="other", GIT_SYNC_REV="HEAD", GITSYNC_LINK="",
        GIT_SYNC_DEST="repo", GITSYNC_PERIOD="", GIT_SYNC_WAIT="1",
    )  # fmt: skip
    print(done.stderr)
    assert done.returncode == 0
    assert remote.checked_out == "other"


def test_what_a_killed_start_left_is_mended(remote: Remote) -> None:
    commit = remote.git("rev-parse", "HEAD")
    (remote.root / ".git-sync" / "store.git").mkdir(parents=True)
    (remote.root / ".git-sync" / "store.git" / "HEAD").touch()
    (remote.root / ".worktrees" / commit).mkdir(parents=True)
    (remote.root / ".git-sync" / "link").symlink_to("nowhere")
    done = remote.sync()
    print(done.stderr)
    assert done.returncode == 0
    assert remote.checked_out == "one"
    (remote.root / ".git-sync" / "store.git" / "shallow.lock").touch()
    remote.commit("two")
    assert remote.sync().returncode == 0
    assert remote.checked_out == "two"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("GITSYNC_WEBHOOK_URL", "http://localhost", "GITSYNC_WEBHOOK_URL is not honoured"),
        ("GIT_SYNC_SPARSE_CHECKOUT_FILE", "x", "GIT_SYNC_SPARSE_CHECKOUT_FILE is not honoured"),
        ("GITSYNC_PERIOD", "soon", 'GITSYNC_PERIOD: found "soon"'),
        ("GITSYNC_DEPTH", "-1", 'GITSYNC_DEPTH: found "-1"'),
        ("GITSYNC_MAX_FAILURES", "many", 'GITSYNC_MAX_FAILURES: found "many"'),
        ("GITSYNC_LINK", "../up", 'GITSYNC_LINK: found "../up"'),
        ("GITSYNC_REF", "--upload-pack=x", 'GITSYNC_REF: found "--upload-pack=x"'),
        ("GITSYNC_ONE_TIME", "yes", 'GITSYNC_ONE_TIME: found "yes"'),
        ("GITSYNC_REPO", "", "GITSYNC_REPO is empty"),
        ("GITSYNC_SSH_KEY_FILE", "/none", 'GITSYNC_SSH_KEY_FILE: "/none" can\'t be read'),
    ],
)
def test_a_variable_that_it_can_not_honour_is_refused(
    remote: Remote, variable: str, value: str, message: str
) -> None:
    done = remote.sync(**{variable: value})
    print(done.stderr)
    assert done.returncode == 1
    assert message in done.stderr
    assert not (remote.root / "repo").exists()


def test_failures_are_counted_and_told_without_the_password(remote: Remote) -> None:
    assert remote.sync().returncode == 0
    done = remote.sync(
        GITSYNC_REPO="http://dags:hunter2@127.0.0.1:1/dags.git", GITSYNC_MAX_FAILURES="2"
    )
    print(done.stderr)
    assert done.returncode == 1
    assert "attempt 3 failed" in done.stderr
    assert "attempt 4" not in done.stderr
    assert "hunter2" not in done.stderr
    assert remote.checked_out == "one"
