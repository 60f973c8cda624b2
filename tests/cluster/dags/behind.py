"""Catches up on many days, a run at a time and without a pod: each run begins late."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag


@dag(
    schedule="@daily",
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=True,
    max_active_runs=1,
    default_args={"owner": "tests"},
)
def behind() -> None:
    """Do nothing for each day."""
    EmptyOperator(task_id="nothing")


behind()
