"""Two DAGs that fail: with one more, that is many."""

from __future__ import annotations

from airflow.sdk import chain, dag, task

NAMES = ("doomed_one", "doomed_two")
# One after another, so that they fail for a while.
TIMES = 4


def doomed(dag_id: str) -> None:
    """Make a DAG that fails."""

    @dag(dag_id, schedule=None, default_args={"owner": "tests", "retries": 0})
    def made() -> None:
        """Fail."""

        @task(trigger_rule="all_done")
        def fail() -> None:
            """Fail, whatever came of the one before."""
            raise ValueError("on purpose")

        chain(*(fail() for _ in range(TIMES)))

    made()


for _dag_id in NAMES:
    doomed(_dag_id)
