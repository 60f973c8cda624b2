"""One task that holds a place, and many that wait for it: a full pool, or a full quota."""

from __future__ import annotations

import time
from typing import Final

from airflow.sdk import Param, dag, get_current_context, task

# The second is of a pool that the tests make, with one slot.
POOLS: Final = {"crowd": "default_pool", "narrow": "narrow"}


def crowd(dag_id: str, pool: str) -> None:
    """Make a DAG whose tasks are of a pool."""

    @dag(
        dag_id,
        schedule=None,
        max_active_tasks=256,
        default_args={"owner": "tests", "pool": pool},
        params={"seconds": Param(130, type="integer"), "waiting": Param(20, type="integer")},
    )
    def made() -> None:
        """Hold a place, and wait for it."""

        @task
        def count() -> list[int]:
            """Number those that wait."""
            return list(range(get_current_context()["params"]["waiting"]))

        @task(priority_weight=100)
        def hold(_: object) -> None:
            """Be there for a while."""
            time.sleep(get_current_context()["params"]["seconds"])

        @task
        def wait(item: int) -> int:
            """Come after it."""
            return item

        numbers = count()
        hold(numbers)
        wait.expand(item=numbers)

    made()


for _dag_id, _pool in POOLS.items():
    crowd(_dag_id, _pool)
