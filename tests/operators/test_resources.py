"""The listener's line about what a task took, from this kernel's own numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from updraft import resources

ROOT = Path(__file__).resolve().parents[2]

# A task instance as a worker has it; whatever is not one is somebody's click in the UI.
PROGRAM = """
import json, logging, sys
import structlog
from uuid import uuid4
from structlog.testing import capture_logs
from updraft.bundle import GitSyncDagBundle
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from updraft import plugin, resources

instance = RuntimeTaskInstance.model_construct(
    id=uuid4(), dag_id="dag", run_id="run", task_id="task", map_index=3, try_number=2,
    bundle_instance=GitSyncDagBundle(name="dags", path=sys.argv[1], one_time=True),
)
with capture_logs() as lines:
    for listener in plugin.UpdraftPlugin.listeners:
        listener.on_task_instance_success(task_instance=instance)
        listener.on_task_instance_failed(task_instance=instance)
        listener.on_task_instance_skipped(task_instance=instance)
        listener.on_task_instance_success(task_instance=object())
print(json.dumps(lines))
"""


def test_each_end_of_a_task_is_one_line(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "AIRFLOW_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "operators"),
    }
    commit = "0123456789abcdef0123456789abcdef01234567"
    link = tmp_path / "repo"
    link.symlink_to(f".worktrees/{commit}")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(link / "dags")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout.strip().splitlines()[-1])
    print(*lines, sep="\n")
    assert [line["state"] for line in lines] == ["success", "failed", "skipped"]
    for line in lines:
        assert line["event"] == "updraft.resources"
        assert (line["task_id"], line["map_index"], line["try_number"]) == ("task", 3, 2)
        assert line["peak_memory_bytes"] > 10_000_000
        assert line["cpu_seconds"] > 0
        assert line["commit"] == commit


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
