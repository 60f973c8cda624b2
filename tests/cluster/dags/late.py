"""Misses its deadline, and fails: both are to be told."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task

from updraft.deadlines import deadline
from updraft.notify import FailureNotifier

RECEIVER = "receiver"


@dag(
    schedule=None,
    default_args={"owner": "tests", "on_failure_callback": FailureNotifier(RECEIVER)},
    deadline=deadline(timedelta(seconds=1), name="too-soon", conn_id=RECEIVER),
)
def late() -> None:
    """Miss the deadline, and fail."""

    @task
    def fail() -> None:
        """Fail."""
        raise ValueError("on purpose")

    fail()


late()
