"""Two DAGs that fail: with one more, that is many."""

from __future__ import annotations

from airflow.sdk import dag, task

NAMES = ("doomed_one", "doomed_two")


def doomed(dag_id: str) -> None:
    """Make a DAG that fails."""

    @dag(dag_id, schedule=None, default_args={"owner": "tests", "retries": 0})
    def made() -> None:
        """Fail."""

        @task
        def fail() -> None:
            """Fail."""
            raise ValueError("on purpose")

        fail()

    made()


for _dag_id in NAMES:
    doomed(_dag_id)
