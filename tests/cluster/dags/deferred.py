"""Waits in the triggerer."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import dag

WAITING = 4


@dag(schedule=None, default_args={"owner": "tests"})
def deferred() -> None:
    """Wait without a pod."""
    for number in range(WAITING):
        TimeDeltaSensor(task_id=f"wait_{number}", delta=timedelta(seconds=150), deferrable=True)


deferred()
