"""Fans a list out over as many pods as it has items, and collects what they return."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypedDict

from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task

from updraft.deadlines import deadline
from updraft.patterns import ITEM_NAME, name_item


class Result(TypedDict):
    """What one pod made of one item."""

    item: int
    square: int
    pod: str


class Summary(TypedDict):
    """What all pods made of all items."""

    items: int
    sum_of_squares: int
    pods: int


def record(conn_id: str, run_id: str, item: int, try_number: int, pod: str) -> None:
    """Write that an item was processed; without a key, so that a second time would show."""
    from airflow.sdk import BaseHook

    hook: Any = BaseHook.get_connection(conn_id).get_hook()  # type: ignore[no-untyped-call]
    hook.insert_rows(
        table="ledger",
        rows=[(run_id, item, try_number, pod)],
        target_fields=["run_id", "item", "try_number", "pod"],
    )


@dag(
    # Daily from the next midnight on: unpausing it starts no run for the day that has passed.
    schedule=CronTriggerTimetable("0 0 * * *", timezone="UTC", run_immediately=timedelta()),
    max_active_tasks=256,
    deadline=deadline(timedelta(hours=1)),
    default_args={"owner": "platform", "retries": 2, "retry_delay": timedelta(seconds=10)},
    params={
        "items": Param(
            12, type="integer", minimum=0, maximum=1000, description="Items in the list"
        ),
        "seconds": Param(1.0, type="number", minimum=0, description="Seconds that an item takes"),
        "ledger_conn_id": Param(
            None,
            type=["null", "string"],
            description="Connection to a database whose table `ledger` (run_id text, item integer, "
            "try_number integer, pod text) gets a row for each item processed",
        ),
    },
    tags=["example"],
)
def dynamic_tasks() -> None:
    """Fan a list out over pods.

    `get_data` returns a list whose length is known only when it has run. `process` is mapped over
    it: each item becomes a task of its own in a pod of its own, as many at once as the quota of the
    tasks' namespace admits; the others wait. `summarise` collects the results.

    Trigger it with other parameters to see it scale: `items` is the list's length, `seconds` how
    long an item takes.
    """

    @task
    def get_data() -> list[int]:
        """Return the items to process; a real DAG would list files, tables or pages."""
        return list(range(get_current_context()["params"]["items"]))

    @task(map_index_template=ITEM_NAME)
    def process(item: int) -> Result:
        """Process one item in a pod of its own."""
        import socket
        import time

        name_item(f"item {item}")
        context = get_current_context()
        pod = socket.gethostname()
        print(f"Processing item {item} in pod {pod}")
        time.sleep(context["params"]["seconds"])
        ledger = context["params"]["ledger_conn_id"]
        if ledger:
            record(ledger, context["run_id"], item, context["ti"].try_number, pod)
        return {"item": item, "square": item * item, "pod": pod}

    @task(trigger_rule="none_failed")
    def summarise(results: list[Result]) -> Summary:
        """Collect what all pods returned."""
        # A slice is fetched by one request, an iteration by one for each item.
        done = results[:]
        summary: Summary = {
            "items": len(done),
            "sum_of_squares": sum(result["square"] for result in done),
            "pods": len({result["pod"] for result in done}),
        }
        print(f"{summary['items']} items were processed in {summary['pods']} pods")
        return summary

    results = process.expand(item=get_data())
    summarise(results)  # type: ignore[arg-type]  # an XComArg stands for the list


dynamic_tasks()
