"""The listener's line about what a task took, from this kernel's own numbers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow.dag_processing.bundles.local import LocalDagBundle
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from structlog.testing import capture_logs

from tests.waiting import wait_for
from updraft import resources
from updraft.bundle import GitSyncDagBundle
from updraft.plugin import UpdraftPlugin

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def ended(**own: Any) -> list[Any]:
    """Let a task end in each way; return the lines that its log gets."""
    instance = RuntimeTaskInstance.model_construct(
        id=uuid4(), dag_id="dag", run_id="run", task_id="task", map_index=3, try_number=2, **own
    )
    # Whatever is no task instance of a worker is somebody's click in the UI.
    click: Any = object()
    with capture_logs() as lines:
        resources.on_task_instance_success(task_instance=instance)
        resources.on_task_instance_failed(task_instance=instance)
        resources.on_task_instance_skipped(task_instance=instance)
        resources.on_task_instance_success(task_instance=click)
    print(*lines, sep="\n")
    return lines


def test_each_end_of_a_task_is_one_line(tmp_path: Path) -> None:
    assert resources in UpdraftPlugin.listeners
    (tmp_path / "repo").symlink_to(f".worktrees/{COMMIT}")
    path = str(tmp_path / "repo" / "dags")
    lines = ended(bundle_instance=GitSyncDagBundle(name="dags", path=path, one_time=True))
    assert [line["state"] for line in lines] == ["success", "failed", "skipped"]
    for line in lines:
        assert line["event"] == "updraft.resources"
        assert (line["task_id"], line["map_index"], line["try_number"]) == ("task", 3, 2)
        assert line["peak_memory_bytes"] > 10_000_000
        assert line["cpu_seconds"] > 0
        assert line["commit"] == COMMIT
        assert 0 < line["cpu_seconds"] / line["seconds"] < (os.cpu_count() or 1) + 1


def test_the_line_names_no_commit_where_no_git_delivers_dags(tmp_path: Path) -> None:
    for own in ({}, {"bundle_instance": LocalDagBundle(name="dags", path=str(tmp_path))}):
        assert [line["commit"] for line in ended(**own)] == [None] * 3


def test_the_line_tells_what_the_pod_was_given_as_far_as_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UPDRAFT_CPU_REQUEST", "250")
    monkeypatch.setenv("UPDRAFT_MEMORY_LIMIT", "536870912")
    monkeypatch.setenv("UPDRAFT_CPU_LIMIT", "")
    for line in ended():
        told = {name: value for name, value in line.items() if name.endswith(("request", "limit"))}
        assert told == {"cpu_request": 250, "memory_limit": 536870912}


def test_time_goes_by_as_the_clock_does() -> None:
    own, clock = resources.seconds(), time.monotonic()
    wait_for(lambda: time.monotonic() - clock > 0.5, 10, "half a second")
    assert resources.seconds() - own == pytest.approx(time.monotonic() - clock, abs=0.1)


@pytest.mark.parametrize("file", ["memory.peak", "memory/memory.max_usage_in_bytes"])
def test_the_peak_is_the_cgroups_where_there_is_one(file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("123456789\n")
    assert resources.peak_memory_bytes(tmp_path) == 123456789


def test_without_a_cgroup_the_peak_is_the_process(tmp_path: Path) -> None:
    found = resources.peak_memory_bytes(tmp_path)
    print(found)
    assert 10_000_000 < found < 10_000_000_000
