"""A DAG to look at: SQL, documentation, a failure, and a task that never runs."""

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import dag, task


@dag(schedule=None, doc_md=__doc__)
def shop():
    """Sum up what was sold."""
    totals = SQLExecuteQueryOperator(
        task_id="totals",
        conn_id="shop",
        sql="SELECT 42 AS sold -- of {{ dag.dag_id }} in run {{ run_id }}",
        doc_md="Adds up **every order** of the day.",
    )

    @task(retries=0)
    def breaks():
        raise ValueError("broken on purpose")

    @task
    def never():
        """Run never."""

    totals >> breaks() >> never()


shop()
