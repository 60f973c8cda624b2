"""Loads a long stretch of time again, in partitions side by side, each of them once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Param, dag, get_current_context, task

from updraft.patterns import Collected, Interval, collect, partition_interval
from updraft.retries import RetryTransient
from updraft.transfer import CustomDataOperator


def bounds(interval: Interval) -> dict[str, str]:
    """A partition as the transfer takes it."""
    return {"interval_start": interval["start"], "interval_end": interval["end"]}


@dag(
    schedule=None,
    max_active_tasks=256,
    default_args={
        "owner": "data-engineering",
        "retries": 3,
        "retry_delay": timedelta(seconds=10),
        "retry_policy": RetryTransient(first_delay=timedelta(seconds=10)),
    },
    params={
        "start": Param("2026-01-01", type="string", format="date", description="First day"),
        "end": Param("2026-02-01", type="string", format="date", description="Day after the last"),
        "every": Param(
            "week", enum=["hour", "day", "week", "month"], description="Size of a partition"
        ),
        "orders": Param(200, type="integer", minimum=1, description="Orders made up for a day"),
        "source_conn_id": Param("shop", type="string", description="Database to load from"),
        "target_conn_id": Param("warehouse", type="string", description="Database to load into"),
    },
    tags=["example", "transfer"],
)
def backfill_partitions() -> None:
    """Load the orders of a stretch of time again.

    `partitions` cuts it into hours, days, weeks or months without a gap or an overlap, and `load`
    is mapped over them. Each partition is replaced in a transaction of its own, so it can be
    loaded again at any time, alone or with the rest, and nothing is doubled. `gather` says which
    ones are missing, if any.
    """
    make_source = SQLExecuteQueryOperator(
        task_id="make_source",
        conn_id="{{ params.source_conn_id }}",
        sql="sql/shop.sql",
        parameters={
            "customers": "1000",
            "per_day": "{{ params.orders }}",
            "bad": "0",
            "start": "{{ params.start }}",
            "end": "{{ params.end }}",
        },
        split_statements=True,
        doc_md="Make up the source's orders.",
    )
    make_target = SQLExecuteQueryOperator(
        task_id="make_target",
        conn_id="{{ params.target_conn_id }}",
        sql="sql/warehouse.sql",
        split_statements=True,
        doc_md="Make the target's tables where they are missing.",
    )

    @task
    def partitions() -> list[Interval]:
        """Cut the stretch into partitions."""
        params = get_current_context()["params"]
        return partition_interval(params["start"], params["end"], every=params["every"])

    cut = partitions()
    load: Any = CustomDataOperator.partial(
        task_id="load",
        source_conn_id="{{ params.source_conn_id }}",
        source_table="orders",
        target_conn_id="{{ params.target_conn_id }}",
        target_table="orders",
        mode="append",
        interval_column="placed_at",
        map_index_template="{{ task.interval_start[:10] }}",
        doc_md="Load a partition.",
    ).expand_kwargs(cut.map(bounds))

    @task
    def tell(done: Collected) -> int:
        """Tell how many orders were loaded."""
        rows = sum(int(value["rows"]) for value in done["values"])
        print(f"{rows} orders in {len(done['values'])} partitions")
        return rows

    gathered: Any = collect(load.output, task_id="gather", items=cut, doc_md="Miss none.")
    [make_source, make_target] >> load
    tell(gathered)


backfill_partitions()
