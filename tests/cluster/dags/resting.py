"""Sensors that wait in the triggerer, more of them than a small one holds."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import dag


@dag(schedule=None, default_args={"owner": "tests"})
def resting() -> None:
    """Defer five tasks for three minutes."""
    for number in range(5):
        TimeDeltaSensor(task_id=f"rest_{number}", delta=timedelta(minutes=3), deferrable=True)


resting()
