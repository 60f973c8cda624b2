"""Fails in the ways that alerts are made for: errors, memory, silence, a pod that fits nowhere."""

from __future__ import annotations

import time
from datetime import timedelta

from airflow.sdk import Param, dag, get_current_context, task
from kubernetes.client.models import V1Container, V1Pod, V1PodSpec

from updraft.circuit import CircuitBreaker
from updraft.poison import Tolerance, process_each
from updraft.sizes import task_size

MIB = 1 << 20
FAULTS = ["error", "memory", "long", "nowhere", "retried", "source", "poison", "none"]
# No node has this label.
NOWHERE = V1PodSpec(containers=[V1Container(name="base")], node_selector={"tests": "nowhere"})


@dag(
    schedule=None,
    max_active_tasks=256,
    max_active_runs=8,
    default_args={"owner": "tests", "retries": 0},
    dagrun_timeout=timedelta(minutes=10),
    params={"fault": Param("error", enum=FAULTS)},
)
def faulty() -> None:
    """Run the tasks of the fault that is asked for."""

    @task.branch
    def choose() -> str | None:
        """Choose."""
        fault = str(get_current_context()["params"]["fault"])
        return None if fault == "none" else fault

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
        time.sleep(150)

    @task(task_id="nowhere", executor_config={"pod_override": V1Pod(spec=NOWHERE)})
    def wait() -> None:
        """Never begin."""

    @task(task_id="retried", retries=1, retry_delay=timedelta(seconds=1))
    def stumble() -> None:
        """Succeed at the second try."""
        if get_current_context()["ti"].try_number == 1:
            raise ValueError("at first, on purpose")

    @task(task_id="source")
    def ask() -> None:
        """Ask a source that is down, so that it is left alone."""
        with CircuitBreaker("nobody", failures=1):
            raise ConnectionError("nobody answers, on purpose")

    @task(task_id="poison")
    def process() -> int:
        """Put one record of two aside."""
        return process_each(["1", "two"], int, Tolerance(max_records=1)).count

    faults = [eat(), compute(), wait(), stumble(), ask(), process()]
    choose() >> [fail.expand(item=list(range(12))), *faults]


faulty()
