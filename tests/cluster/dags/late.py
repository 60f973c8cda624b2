"""Misses its deadline, and fails if asked to: both are to be told, and telling fails too."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Context, Param, dag, get_current_context, task

from updraft.deadlines import deadline
from updraft.notify import FailureNotifier

RECEIVER = "receiver"


def tell(context: Context) -> None:
    """Fail, as a callback does that has a mistake."""
    raise ValueError(f"can't tell of {context['run_id']}, on purpose")


@dag(
    schedule=None,
    on_failure_callback=tell,
    default_args={"owner": "tests", "on_failure_callback": FailureNotifier(RECEIVER)},
    params={"fails": Param(True, type="boolean")},
    deadline=deadline(timedelta(seconds=1), name="too-soon", conn_id=RECEIVER),
)
def late() -> None:
    """Miss the deadline, and fail if asked to."""

    @task
    def fail() -> None:
        """Fail if asked to."""
        if get_current_context()["params"]["fails"]:
            raise ValueError("on purpose")

    fail()


late()
