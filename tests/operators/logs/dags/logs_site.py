"""A DAG whose tries and map indices have logs of their own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

from airflow.sdk import dag, get_current_context, task


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def logs_site() -> None:
    @task(retries=1, retry_delay=timedelta(0))
    def flaky() -> None:
        if get_current_context()["ti"].try_number == 1:
            raise ValueError("once")

    @task
    def mapped(item: int) -> None:
        print(item)

    @task
    def waits() -> None:
        while not Path("go").exists():
            sleep(0.2)

    @task
    def never() -> None:
        """Waits for one that waits."""

    flaky() >> mapped.expand(item=[1, 2, 3]) >> waits() >> never()


logs_site()
