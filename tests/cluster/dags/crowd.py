"""Many tasks that wait for a place: for one in a quota, and for one in a pool that a task holds."""

from __future__ import annotations

import time
from typing import Final

from airflow.sdk import dag, task

# A pool that the tests make, with one slot.
POOL: Final = "narrow"
SECONDS: Final = 130


@task
def wait(item: int) -> int:
    """Come when there is a place."""
    return item


@task(priority_weight=100)
def hold() -> None:
    """Come first, and be there for a while."""
    time.sleep(SECONDS)


@dag(schedule=None, max_active_tasks=256, default_args={"owner": "tests"})
def crowd() -> None:
    """Ask for more pods than the executor has slots."""
    wait.expand(item=list(range(20)))


@dag(schedule=None, max_active_tasks=256, default_args={"owner": "tests", "pool": POOL})
def narrow() -> None:
    """Ask for more slots than the pool has."""
    hold()
    wait.expand(item=list(range(8)))


crowd()
narrow()
