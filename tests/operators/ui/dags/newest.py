"""A DAG that runs the newest commit, whatever its run began with."""

from airflow.sdk import dag, task


@dag(schedule=None, disable_bundle_versioning=True)
def newest() -> None:
    """Run."""

    @task
    def hello() -> None:
        """Say it."""

    hello()


newest()
