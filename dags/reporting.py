"""Reports on the days' sales whenever the warehouse has new ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Asset, Param, dag, get_current_context, task

from updraft.deadlines import deadline
from updraft.notify import FailureNotifier
from updraft.retries import RetryTransient

DAILY_SALES = Asset("daily_sales")


@dag(
    schedule=DAILY_SALES,
    deadline=deadline(timedelta(hours=1)),
    default_args={
        "owner": "analytics",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RetryTransient(),
        "on_failure_callback": FailureNotifier(),
    },
    params={
        "warehouse_conn_id": Param("warehouse", type="string", description="The warehouse"),
    },
    tags=["example", "warehouse"],
)
def reporting() -> None:
    """Report on the sales of each day.

    Starts when `warehouse_nightly` has published days (the asset `daily_sales`), never by the
    clock: a late night makes a late report, and never one of half the data.
    """
    summarise = SQLExecuteQueryOperator(
        task_id="summarise",
        conn_id="{{ params.warehouse_conn_id }}",
        sql="sql/report.sql",
        doc_md="Write a line for each day.",
    )

    @task
    def show() -> int:
        """Print the newest days."""
        from airflow.sdk import BaseHook

        hook: Any = BaseHook.get_hook(get_current_context()["params"]["warehouse_conn_id"])
        rows = hook.get_records("SELECT * FROM mart.report ORDER BY day DESC LIMIT 7")
        for day, orders, revenue, country, change in rows:
            told = "" if change is None else f", {change:+.1%} to the day before"
            print(f"{day}  {orders:>8} orders  {revenue:>12}  most in {country}{told}")
        return len(rows)

    summarise >> show()


reporting()
