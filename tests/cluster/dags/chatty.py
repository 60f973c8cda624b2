"""Prints many lines from many short pods."""

from __future__ import annotations

from airflow.sdk import Param, dag, get_current_context, task


@dag(
    schedule=None,
    max_active_tasks=256,
    default_args={"owner": "tests"},
    params={"pods": Param(100, type="integer"), "lines": Param(100, type="integer")},
)
def chatty() -> None:
    """Print so many numbered lines from so many pods."""

    @task
    def count() -> list[int]:
        """Number the pods."""
        return list(range(get_current_context()["params"]["pods"]))

    @task
    def talk(pod: int) -> None:
        """Print the lines."""
        for line in range(get_current_context()["params"]["lines"]):
            print(f"chatty {pod}:{line}")

    talk.expand(pod=count())


chatty()
