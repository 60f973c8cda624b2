"""Moves a table from one database to another, and finds it there whole however often it runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypedDict

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Param, dag, get_current_context, task

from updraft.errors import DataError
from updraft.retries import RetryTransient
from updraft.transfer import CustomDataOperator


class Contents(TypedDict):
    """What a table holds."""

    rows: int
    checksum: str


def contents(conn_id: str) -> Contents:
    """Count a connection's customers, and sum up all that is in them."""
    from airflow.sdk import BaseHook

    hook: Any = BaseHook.get_hook(conn_id)
    rows, checksum = hook.get_first(
        "SELECT count(*), coalesce(sum(hashtext(customers::text)::bigint), 0) FROM customers"
    )
    return {"rows": rows, "checksum": str(checksum)}


@dag(
    schedule=None,
    default_args={
        "owner": "data-engineering",
        "retries": 3,
        "retry_delay": timedelta(seconds=10),
        "retry_policy": RetryTransient(),
    },
    params={
        "rows": Param(10_000, type="integer", minimum=1, description="Customers in the source"),
        "source_conn_id": Param("shop", type="string", description="Database that has them"),
        "target_conn_id": Param("warehouse", type="string", description="Database that gets them"),
    },
    tags=["example", "transfer"],
)
def custom_data() -> None:
    """Move the customers of a shop to a warehouse, two PostgreSQL databases.

    `make_source` makes up customers, `move` brings them over by `CustomDataOperator` (COPY to COPY,
    upserted by their id, seen all at once or not at all), `compare` proves that both sides hold
    the same. Run it twice: the target stays as it is.
    """
    make_source = SQLExecuteQueryOperator(
        task_id="make_source",
        conn_id="{{ params.source_conn_id }}",
        sql="sql/shop.sql",
        parameters={
            "customers": "{{ params.rows }}",
            "per_day": "1",
            "bad": "0",
            "start": "2026-01-01",
            "end": "2026-01-01",
        },
        split_statements=True,
        doc_md="Make up the source's customers.",
    )
    make_target = SQLExecuteQueryOperator(
        task_id="make_target",
        conn_id="{{ params.target_conn_id }}",
        sql="sql/warehouse.sql",
        split_statements=True,
        doc_md="Make the target's tables where they are missing.",
    )
    move = CustomDataOperator(
        task_id="move",
        source_conn_id="{{ params.source_conn_id }}",
        source_table="customers",
        target_conn_id="{{ params.target_conn_id }}",
        target_table="customers",
        mode="upsert",
        keys=["id"],
        doc_md="Move the customers.",
    )

    @task
    def compare() -> Contents:
        """Compare what both databases hold."""
        params = get_current_context()["params"]
        source, target = contents(params["source_conn_id"]), contents(params["target_conn_id"])
        if source != target:
            raise DataError(
                f"the target holds {target}, the source {source}",
                where=f"customers in {params['source_conn_id']} and {params['target_conn_id']}",
                fix="see whether something else writes to either of them",
            )
        print(f"both hold {source['rows']} customers")
        return target

    [make_source, make_target] >> move >> compare()


custom_data()
