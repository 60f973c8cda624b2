"""What a task took (memory, CPU, time), might take, and ran (a commit): one line of its log."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

log = structlog.get_logger("updraft.resources")

CGROUP = Path("/sys/fs/cgroup")
# cgroup v2 (Linux 5.19 or newer), then v1; both as a container sees its own.
_PEAKS = ("memory.peak", "memory/memory.max_usage_in_bytes")

# What the pod was given, by the variables that its template sets: millicores and bytes.
_GIVEN = {
    field: f"UPDRAFT_{field.upper()}"
    for field in ("cpu_request", "cpu_limit", "memory_request", "memory_limit")
}


def peak_memory_bytes(cgroup: Path = CGROUP) -> int:
    """The most memory that this container held at once, in bytes.

    Without a cgroup of its own it is the largest resident set of this process or of a child.
    """
    for name in _PEAKS:
        try:
            return int((cgroup / name).read_text())
        except (OSError, ValueError):
            continue
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024


def cpu_seconds() -> float:
    """CPU time of this process and of the children that it waited for, in seconds."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return round(sum(each.ru_utime + each.ru_stime for each in used), 3)


def seconds() -> float:
    """How long this process has lived: the time in which it took `cpu_seconds`."""
    # Behind the name, which may hold anything, the 20th field (proc_pid_stat(5)).
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return round(time.clock_gettime(time.CLOCK_BOOTTIME) - began, 3)


def given() -> dict[str, int]:
    """The container's requests and limits, without those that nothing tells."""
    told = {field: os.environ.get(name, "") for field, name in _GIVEN.items()}
    return {field: int(text) for field, text in told.items() if text.isdecimal()}


def commit(task_instance: RuntimeTaskInstance) -> str | None:
    """The commit of the DAG files in this pod, None where no Git delivers them."""
    from airflow.dag_processing.bundles.base import BundleVersion  # noqa: PLC0415 -- heavy

    # A task that a test runs in its own process comes from no bundle.
    bundle = getattr(task_instance, "bundle_instance", None)
    version = bundle.get_current_version() if bundle else None
    return version.version if isinstance(version, BundleVersion) else version


def report(task_instance: RuntimeTaskInstance | TaskInstance, state: str) -> None:
    """Write the line `updraft.resources`, its fields naming the task instance."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance  # noqa: PLC0415 -- heavy

    if not isinstance(task_instance, RuntimeTaskInstance):
        return  # a state set by hand in the UI: no task has run, and this is the API server
    log.info(
        "updraft.resources",
        dag_id=task_instance.dag_id,
        run_id=task_instance.run_id,
        task_id=task_instance.task_id,
        map_index=task_instance.map_index,
        try_number=task_instance.try_number,
        state=state,
        peak_memory_bytes=peak_memory_bytes(),
        cpu_seconds=cpu_seconds(),
        seconds=seconds(),
        **given(),
        commit=commit(task_instance),
    )


@hookimpl
def on_task_instance_success(task_instance: RuntimeTaskInstance | TaskInstance) -> None:
    """Report when a task has succeeded."""
    report(task_instance, "success")


@hookimpl
def on_task_instance_failed(task_instance: RuntimeTaskInstance | TaskInstance) -> None:
    """Report when a task has failed, for good or to be retried."""
    report(task_instance, "failed")


@hookimpl
def on_task_instance_skipped(task_instance: RuntimeTaskInstance | TaskInstance) -> None:
    """Report when a task has skipped itself."""
    report(task_instance, "skipped")
