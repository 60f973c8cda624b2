"""DAGs of which some tasks fail, for the page to tell of; no files of a DAG folder."""

from airflow.sdk import DAG, dag, task

WIDTH = 23


def billing() -> DAG:
    """One task that fails twice, and one that works."""

    @dag(schedule=None)
    def billing() -> None:
        @task(retries=1)
        def bill() -> None:
            raise ValueError("no prices for <b>today</b>")

        @task
        def count() -> int:
            return 1

        count() >> bill()

    return billing()


def shop_nightly() -> DAG:
    """So many failures that they take two pages."""

    @dag(schedule=None)
    def shop_nightly() -> None:
        @task(retries=0)
        def load(item: int) -> None:
            raise ValueError(item)

        load.expand(item=list(range(WIDTH)))

    return shop_nightly()


def _works(dag_id: str) -> DAG:
    """Nothing of it fails."""

    @dag(dag_id=dag_id, schedule=None)
    def works() -> None:
        @task
        def move() -> None:
            """Move."""

        move()

    return works()


def make(dag_id: str) -> DAG:
    """One of them."""
    return {"billing": billing, "shop_nightly": shop_nightly}.get(dag_id, lambda: _works(dag_id))()


KNOWN = ("billing", "shop_nightly", "warehouse")
# It costs something, and only a site has it.
HIDDEN = "payroll"
