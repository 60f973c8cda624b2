"""git-sync's script against real repositories: what it checks out, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git_remote import Remote


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote.make(tmp_path)


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
