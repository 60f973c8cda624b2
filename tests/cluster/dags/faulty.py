"""Fails in the ways that alerts are made for: errors, memory, a long wait."""

from __future__ import annotations

import time
from datetime import timedelta

from airflow.sdk import Param, dag, get_current_context, task

from updraft.sizes import task_size

MIB = 1 << 20


@dag(
    schedule=None,
    max_active_tasks=256,
    max_active_runs=8,
    default_args={"owner": "tests", "retries": 0},
    dagrun_timeout=timedelta(minutes=10),
    params={"fault": Param("error", enum=["error", "memory", "long"])},
)
def faulty() -> None:
    """Run the tasks of the fault that is asked for."""

    @task.branch
    def choose() -> str:
        """Choose."""
        return str(get_current_context()["params"]["fault"])

    @task(task_id="error")
    def fail(item: int) -> None:
        """Fail."""
        raise ValueError(f"item {item}, on purpose")

    @task(task_id="memory", executor_config=task_size("small"))
    def eat() -> int:
        """Take more memory than the limit."""
        held = [bytearray(16 * MIB) for _ in range(64)]
        return len(held)

    @task(task_id="long")
    def compute() -> None:
        """Be there for a while."""
        time.sleep(120)

    choose() >> [fail.expand(item=list(range(12))), eat(), compute()]


faulty()
