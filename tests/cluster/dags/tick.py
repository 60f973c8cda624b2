"""Has a schedule: Airflow measures some things of scheduled runs alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task


@dag(
    schedule=timedelta(seconds=20),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "tests"},
)
def tick() -> None:
    """Do nothing, again and again."""

    @task
    def nothing() -> None:
        """Do nothing."""

    nothing()


tick()
