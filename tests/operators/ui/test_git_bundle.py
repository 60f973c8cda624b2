"""The bundle of DAGs that git-sync keeps: which commit it shows, and when it moves."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.git_remote import Remote
from updraft.bundle import GitSyncDagBundle
from updraft.errors import ConfigurationError, TransientError

Make = Callable[..., GitSyncDagBundle]


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    made = Remote.make(tmp_path)
    made.commit("first = 1\n", "dags/shop.py")
    made.sync()
    return made


@pytest.fixture
def make(remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "store"))

    def bundle(version: str | None = None, *, one_time: bool = False) -> GitSyncDagBundle:
        path = str(remote.root / "repo" / "dags")
        return GitSyncDagBundle(name="dags", path=path, version=version, one_time=one_time)

    return bundle


def version(bundle: GitSyncDagBundle) -> str | None:
    found = bundle.get_current_version()
    return found.version if found else None


def test_files_and_commit_move_together_and_only_at_a_refresh(remote: Remote, make: Make) -> None:
    bundle, first = make(), remote.git("rev-parse", "HEAD")
    assert version(bundle) is None
    bundle.initialize()
    place = bundle.path
    assert version(bundle) == first
    for number in range(4):
        # git-sync deletes the commit before the last one: what is shown has to outlive that.
        second = remote.commit(f"second = {number}\n", "dags/shop.py")
        remote.sync()
        assert version(bundle) == first
        assert "second" not in (bundle.path / "shop.py").read_text()
    began = time.time()
    bundle.refresh()
    print(bundle.path, version(bundle))
    assert version(bundle) == second
    assert (bundle.path / "shop.py").read_text() == "second = 3\n"
    assert bundle.path == place
    # Airflow parses a file again at once whose time is newer than its last parsing.
    assert (bundle.path / "shop.py").stat().st_mtime >= began - 1


def test_the_rest_of_the_repository_is_there_and_old_copies_go(remote: Remote, make: Make) -> None:
    bundle = make()
    bundle.initialize()
    assert (bundle.path.parent / "dag.py").read_text() == "one"
    assert not (bundle.path.parent / ".git").exists()
    for number in range(3):
        remote.commit(f"{number}\n", "dags/shop.py")
        remote.sync()
        bundle.refresh()
    trees = sorted(path.name for path in (bundle.base_dir / "trees").iterdir())
    print(trees)
    newest, previous = (remote.git("rev-parse", name) for name in ("HEAD", "HEAD~1"))
    assert trees == sorted([newest, previous])


def test_what_a_killed_copy_left_is_mended(make: Make) -> None:
    bundle = make()
    for left in ("trees/new/dags", "other"):
        (bundle.base_dir / left).mkdir(parents=True)
    (bundle.base_dir / "trees/new/dags/half.py").touch()
    (bundle.base_dir / "new").symlink_to("nowhere")
    bundle.initialize()
    assert [path.name for path in bundle.path.iterdir()] == ["shop.py"]
    again = make()
    again.initialize()
    assert version(again) == version(bundle)


def test_a_branch_that_goes_back_is_followed(remote: Remote, make: Make) -> None:
    bundle = make()
    for commit in (remote.commit("new\n", "dags/shop.py"), remote.git("rev-parse", "HEAD~1")):
        remote.git("reset", "-q", "--hard", commit)
        remote.sync()
        bundle.refresh()
        assert version(bundle) == commit
    remote.sync(GITSYNC_REF=remote.git("rev-parse", "ORIG_HEAD"))
    began = time.time()
    bundle.refresh()
    assert (bundle.path / "shop.py").read_text() == "new\n"
    assert (bundle.path / "shop.py").stat().st_mtime >= began - 1


def pushing(remote: Remote, monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """Let git-sync move on, twice, at the moment when a file is copied; return what was pushed."""
    copy, pushed = shutil.copy, list[str]()

    def copy_late(source: str, target: str, **options: Any) -> str:
        for _ in range(2 if len(pushed) < 2 * times else 0):
            pushed.append(remote.commit(f"{len(pushed)}\n", "dags/shop.py"))
            remote.sync()
        return str(copy(source, target, **options))

    monkeypatch.setattr(shutil, "copy", copy_late)
    return pushed


def test_a_copy_of_a_commit_that_goes_meanwhile_is_never_shown(
    remote: Remote, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make()
    pushed = pushing(remote, monkeypatch, times=1)
    bundle.initialize()
    print(pushed, version(bundle))
    assert version(bundle) == pushed[-1]
    assert (bundle.path / "shop.py").read_text() == "1\n"


def test_a_commit_that_changes_at_each_attempt_is_told(
    remote: Remote, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make()
    bundle.initialize()
    shown = version(bundle)
    remote.commit("changed\n", "dags/shop.py")
    remote.sync()
    pushed = pushing(remote, monkeypatch, times=9)
    with pytest.raises(TransientError, match="changed at each attempt"):
        bundle.refresh()
    assert len(pushed) > 2
    assert version(bundle) == shown


def test_a_callback_of_an_older_run_gets_the_files_that_are_shown(
    remote: Remote, make: Make
) -> None:
    make().initialize()
    old = make("0" * 40)
    old.initialize()
    assert (old.path / "shop.py").is_file()
    remote.commit("newer\n", "dags/shop.py")
    remote.sync()
    # Only the one that follows moves what is shown.
    make("0" * 40).initialize()
    assert (old.path / "shop.py").read_text() == "first = 1\n"


def test_a_pod_runs_the_commit_of_its_run_and_refuses_another(remote: Remote, make: Make) -> None:
    pinned = remote.git("rev-parse", "HEAD")
    remote.commit("newer\n", "dags/shop.py")
    # As updraft.pods lets the pod's init container fetch.
    remote.sync(GITSYNC_REF=pinned)
    pod = make(pinned, one_time=True)
    pod.initialize()
    pod.refresh()
    assert version(pod) == pinned
    assert pod.path == remote.root / "repo" / "dags"
    assert (pod.path / "shop.py").read_text() == "first = 1\n"
    assert not pod.base_dir.exists()
    make(one_time=True).initialize()

    remote.sync()
    with pytest.raises(ConfigurationError) as refused:
        make(pinned, one_time=True).initialize()
    print(refused.value)
    assert f"the run is pinned to {pinned}" in str(refused.value)
    assert remote.git("rev-parse", "HEAD") in str(refused.value)
