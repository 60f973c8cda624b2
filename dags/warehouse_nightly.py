"""Loads the shop's new days into the warehouse, checks them, and publishes all of it or nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, TypedDict

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import (
    Asset,
    CronTriggerTimetable,
    Param,
    dag,
    get_current_context,
    task,
    task_group,
)

from updraft.deadlines import deadline
from updraft.notify import FailureNotifier
from updraft.patterns import branch_on, partition_interval
from updraft.quality import (
    DataQualityOperator,
    InRange,
    NotNull,
    Quarantine,
    References,
    RowCount,
    RowCountChange,
    Severity,
    Unique,
)
from updraft.retries import RetryTransient
from updraft.sizes import task_size
from updraft.transfer import CustomDataOperator

DAILY_SALES = Asset("daily_sales")
# A night makes up for this many days that earlier nights have left.
LOOK_BACK_DAYS = 7

SHOP = "{{ params.shop_conn_id }}"
WAREHOUSE = "{{ params.warehouse_conn_id }}"
START = "{{ ti.xcom_pull('plan')['start'] }}"
END = "{{ ti.xcom_pull('plan')['end'] }}"
OF_RUN = {"start": START, "end": END, "run_id": "{{ run_id }}"}
SCRATCH = "{{ ti.xcom_pull('plan')['scratch'] }}"


class Plan(TypedDict):
    """What a night loads: days as ISO dates, the end not included, and where it puts them first."""

    start: str
    end: str
    scratch: str


def hook(conn_id: str) -> Any:
    """The SQL hook of the connection that the run's params name."""
    from airflow.sdk import BaseHook

    return BaseHook.get_hook(get_current_context()["params"][conn_id])


def in_warehouse(task_id: str, file: str, doc: str, **options: Any) -> SQLExecuteQueryOperator:
    """A task that runs one of the files in sql/."""
    return SQLExecuteQueryOperator(
        task_id=task_id,
        conn_id=WAREHOUSE,
        sql=f"sql/{file}",
        split_statements=True,
        doc_md=doc,
        **options,
    )


@task(multiple_outputs=False)
def plan() -> Plan:
    """Find the days to load."""
    context = get_current_context()
    yesterday = context["dag_run"].run_after.date() - timedelta(days=1)
    chosen = context["params"]["day"]
    first = last = date.fromisoformat(chosen) if chosen else yesterday
    database = hook("warehouse_conn_id")
    if not chosen and database.get_first("SELECT to_regclass('mart.days')")[0]:
        (published,) = database.get_first(
            "SELECT max(day) FROM mart.days WHERE state = 'published' AND day < %s",
            parameters=(yesterday,),
        )
        earliest = yesterday - timedelta(days=LOOK_BACK_DAYS)
        first = max(published + timedelta(days=1), earliest) if published else yesterday
    print(f"loading {first} to {last}")
    return {
        "start": first.isoformat(),
        "end": (last + timedelta(days=1)).isoformat(),
        "scratch": f"nightly_{context['dag_run'].run_after:%Y%m%d%H%M%S%f}",
    }


@task
def dimensions(plan: Plan) -> list[dict[str, str]]:
    """List the tables that are loaded whole."""
    return [
        {"source": name, "target": f"{plan['scratch']}.{name}"}
        for name in ("customers", "products")
    ]


@task
def days(plan: Plan) -> list[dict[str, str]]:
    """List the days, each loaded by a pod of its own."""
    return [
        {"start": day["start"], "end": day["end"], "table": f"{plan['scratch']}.orders"}
        for day in partition_interval(plan["start"], plan["end"], every="day")
    ]


@task_group
def load_dimension(source: str, target: str) -> None:
    """Load a table whole, and check it."""
    copy = CustomDataOperator(
        task_id="copy",
        source_conn_id=SHOP,
        source_table=source,
        target_conn_id=WAREHOUSE,
        target_table=target,
        mode="replace",
        map_index_template="{{ task.source_table }}",
        doc_md="Copy the table.",
    )
    check = DataQualityOperator(
        task_id="check",
        conn_id=WAREHOUSE,
        table=target,
        checks=[NotNull("name"), Unique("id"), RowCount(min=1)],
        map_index_template="{{ task.table }}",
        doc_md="Check the table.",
    )
    copy >> check


@task_group  # type: ignore[type-var]  # whoever calls it wires both
def load_day(start: str, end: str, table: str) -> tuple[CustomDataOperator, DataQualityOperator]:
    """Load the orders of a day, and check them."""
    copy = CustomDataOperator(
        task_id="copy",
        source_conn_id=SHOP,
        source_table="orders",
        target_conn_id=WAREHOUSE,
        target_table=table,
        mode="append",
        interval_column="placed_at",
        interval_start=start,
        interval_end=end,
        map_index_template="{{ task.interval_start[:10] }}",
        executor_config=task_size("medium"),
        doc_md="Copy the day's orders.",
    )
    check = DataQualityOperator(
        task_id="check",
        conn_id=WAREHOUSE,
        table=table,
        where="placed_at >= :start AND placed_at < :end",
        parameters={"start": start, "end": end},
        checks=[
            InRange("quantity", min=1),
            References("customer_id", f"{SCRATCH}.customers", "id"),
            References("product_id", f"{SCRATCH}.products", "id"),
            RowCount(min=1),
            RowCountChange(tolerance=0.5, severity=Severity.WARN),
        ],
        quarantine=Quarantine("quarantine.orders", max_ratio=1),
        map_index_template="{{ task.parameters.start[:10] }}",
        doc_md="Check the day's orders, and move wrong ones aside.",
    )
    copy >> check
    return copy, check


@task
def judge() -> float:
    """Tell which share of the shop's orders went to quarantine."""
    planned: Plan = get_current_context()["ti"].xcom_pull(task_ids="plan")
    (every,) = hook("shop_conn_id").get_first(
        "SELECT count(*) FROM orders WHERE placed_at >= %(start)s::date AT TIME ZONE 'UTC'"
        " AND placed_at < %(end)s::date AT TIME ZONE 'UTC'",
        parameters=planned,
    )
    count = f"SELECT count(*) FROM {planned['scratch']}.orders"  # noqa: S608 -- made by `plan`
    (good,) = hook("warehouse_conn_id").get_first(count)
    print(f"{good} of {every} orders are good")
    return float((every - good) / every)


@dag(
    schedule=CronTriggerTimetable("0 2 * * *", timezone="UTC", run_immediately=timedelta()),
    max_active_runs=1,
    deadline=deadline(timedelta(hours=2)),
    default_args={
        "owner": "data-engineering",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RetryTransient(first_delay=timedelta(seconds=10)),
        "on_failure_callback": FailureNotifier(),
    },
    params={
        "shop_conn_id": Param("shop", type="string", description="Database to load from"),
        "warehouse_conn_id": Param("warehouse", type="string", description="Database to load into"),
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            description="Load this day alone; by default all that are not published yet",
        ),
        "orders": Param(2_000, type="integer", minimum=1, description="Orders made up for a day"),
        "bad_orders": Param(3, type="integer", minimum=0, description="Wrong ones among them"),
        "most_bad": Param(
            0.05, type="number", minimum=0, description="Share of wrong orders to publish with"
        ),
    },
    tags=["example", "warehouse"],
)
def warehouse_nightly() -> None:
    """Load the shop's new days, check them, publish.

    1. `plan` finds the days that are not published yet: a night makes up for the ones before it.
    2. `open_scratch` makes a schema for this run alone, `close_scratch` drops it at the end, come
       what may (setup and teardown). `make_shop` makes up the days' orders, as this is an example.
    3. The dimensions and the days are loaded side by side, each by a mapped group of its own.
    4. A quality gate stands behind each load. Orders that break a rule go to `quarantine.orders`.
    5. `judge` counts them: `publish` shows the night's data in one transaction and updates the
       asset `daily_sales`, which starts `reporting`; too many, and `hold_back` leaves yesterday's.
    6. Where a load fails, `recover` notes it, and the next night loads those days too.
    """
    make_shop = SQLExecuteQueryOperator(
        task_id="make_shop",
        conn_id=SHOP,
        sql="sql/shop.sql",
        parameters={
            "customers": "1000",
            "per_day": "{{ params.orders }}",
            "bad": "{{ params.bad_orders }}",
            "start": START,
            "end": END,
        },
        split_statements=True,
        doc_md="Make up the shop's orders of these days.",
    )
    make_warehouse = in_warehouse(
        "make_warehouse", "warehouse.sql", "Make the warehouse's tables where they are missing."
    )
    open_scratch = in_warehouse("open_scratch", "scratch.sql", "Make a schema for this run alone.")
    close_scratch = in_warehouse(
        "close_scratch", "close_scratch.sql", "Drop the run's schema, come what may."
    ).as_teardown(setups=open_scratch)
    publish = in_warehouse(
        "publish",
        "publish.sql",
        "Show the night's data, all at once.",
        parameters={**OF_RUN, "state": "published"},
        outlets=[DAILY_SALES],
    )
    hold_back = in_warehouse(
        "hold_back",
        "days.sql",
        "Leave what is published as it is: see quarantine.orders, then run again with `day`.",
        parameters={**OF_RUN, "state": "held back"},
    )
    recover = in_warehouse(
        "recover",
        "days.sql",
        "Note that the days are missing; the next night loads them.",
        parameters={**OF_RUN, "state": "failed"},
        trigger_rule="one_failed",
    )
    planned = plan()
    loaded_dimensions = load_dimension.expand_kwargs(dimensions(planned))  # type: ignore[arg-type]
    loaded_days: Any = load_day.expand_kwargs(days(planned))  # type: ignore[arg-type]
    copied, checked = loaded_days
    judged = judge()
    branch = branch_on(
        judged,
        {
            "publish": lambda share: share <= get_current_context()["params"]["most_bad"],
            "hold_back": lambda _: True,
        },
        task_id="enough_good_orders",
        doc_md="Publish, or not.",
    )

    planned >> [make_shop, make_warehouse] >> open_scratch >> [loaded_dimensions, copied]
    loaded_dimensions >> checked  # which looks the orders' customers and products up
    checked >> judged
    branch >> [publish, hold_back] >> close_scratch
    [loaded_dimensions, checked] >> recover >> close_scratch


warehouse_nightly()
