"""Asks for two slots of a pool that the tests make with one, and that nobody else uses."""

from __future__ import annotations

from typing import Final

from airflow.sdk import dag, task

POOL: Final = "tight"


@dag(schedule=None, default_args={"owner": "tests", "pool": POOL, "pool_slots": 2})
def starving() -> None:
    """Wait for two slots."""

    @task
    def nothing() -> None:
        """Do nothing."""

    nothing()


starving()
