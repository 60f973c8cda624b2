"""Records many items, in as many pods as are asked for."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from updraft.patterns import Batch, batches, collect, item_name, process_batch, record_once


@dag(
    schedule=None,
    max_active_tasks=256,
    default_args={"owner": "tests", "retries": 2, "retry_delay": timedelta(seconds=2)},
    params={
        "items": Param(100_000, type="integer"),
        "pods": Param(60, type="integer"),
        "ledger_conn_id": "ledger",
    },
)
def many_items() -> None:
    """Record each item once, by a row of the table `items`."""

    @task
    def cut() -> list[Batch[int]]:
        """Cut the items into batches."""
        params = get_current_context()["params"]
        return batches(range(params["items"]), pods=params["pods"])

    @task(map_index_template=item_name("batch"))
    def record(batch: Batch[int]) -> int:
        """Record a batch's items."""
        context = get_current_context()
        rows = process_batch(batch, lambda item: {"item": item})
        key = {"run_id": context["run_id"], "batch": batch["number"]}
        written = record_once(context["params"]["ledger_conn_id"], "items", rows, key=key)
        if batch["number"] == 0 and context["ti"].try_number == 1:
            time.sleep(300)  # the test kills this pod, whose rows are there already
        return written

    @task
    def add_up(done: Any) -> int:
        """Add up what the pods say."""
        return sum(done["values"])

    add_up(collect(record.expand(batch=cut())))


many_items()
