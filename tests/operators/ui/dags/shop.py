"""Look at it: SQL, documentation, **a failure**, and a task that never runs."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import dag, task


@dag(schedule=None, doc_md=__doc__)
def shop() -> None:
    """Sum up what was sold."""
    totals = SQLExecuteQueryOperator(
        task_id="totals",
        conn_id="shop",
        sql="SELECT count(*) AS sold FROM orders WHERE run = '{{ run_id }}'",
        doc_md="Adds up **every order** of the run.",
    )

    @task(retries=0)
    def breaks() -> None:
        raise ValueError("broken on purpose")

    @task
    def never() -> None:
        """Never runs, **since** what comes before it breaks."""

    totals >> breaks() >> never()


shop()
