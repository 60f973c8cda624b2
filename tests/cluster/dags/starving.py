"""Asks for two slots of a pool that the tests make with one."""

from __future__ import annotations

from airflow.sdk import dag, task


@dag(schedule=None, default_args={"owner": "tests", "pool": "narrow", "pool_slots": 2})
def starving() -> None:
    """Wait for two slots."""

    @task
    def nothing() -> None:
        """Do nothing."""

    nothing()


starving()
