"""The library's DAGs, each run to its end in this process on databases of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from infra.root import ROOT
from updraft.testing.postgres import Database
from updraft.testing.results import RunResult

DAGS = ROOT / "dags"
ORDERS = 40
DAY = "2026-03-01"

RunDag = Callable[..., RunResult]
Databases = tuple[Database, Database]


@pytest.fixture
def databases(make_postgres_database: Callable[..., Database]) -> Databases:
    """The shop and the warehouse, empty."""
    return make_postgres_database("shop"), make_postgres_database("warehouse")


def run(run_dag: RunDag, name: str, **conf: object) -> RunResult:
    done = run_dag(DAGS / f"{name}.py", conf=conf)
    print(f"{name} {conf}: {done.state}", *sorted(done.states.items()), done.errors, sep="\n  ")
    return done


def the_day(databases: Databases) -> dict[str, Any]:
    """What the warehouse says of the day: its state, orders, sales and quarantined orders."""
    warehouse = databases[1]
    return {
        "days": dict(warehouse.sql("SELECT day, state FROM mart.days")),
        "orders": warehouse.sql("SELECT count(*) FROM orders")[0][0],
        "sold": warehouse.sql("SELECT coalesce(sum(orders), 0) FROM mart.daily_sales")[0][0],
    }


def scratch_schemas(warehouse: Database) -> list[Any]:
    return warehouse.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'nightly%'")


def test_custom_data_gives_the_same_target_each_time(run_dag: RunDag, databases: Databases) -> None:
    for _ in range(2):
        done = run(run_dag, "custom_data", rows=500)
        assert done.state == "success"
        assert done.xcom("compare")["rows"] == 500
    everything = "SELECT id, name, country, joined_at, attributes FROM customers ORDER BY id"
    source, target = (each.sql(everything) for each in databases)
    assert len(source) == 500
    assert source == target


def test_a_night_publishes_good_orders_and_keeps_bad_ones_aside(
    run_dag: RunDag, databases: Databases
) -> None:
    done = run(run_dag, "warehouse_nightly", day=DAY, orders=ORDERS, bad_orders=2)
    assert done.state == "success"
    assert done.states["hold_back", -1] == "skipped"
    assert done.states["recover", -1] == "skipped"
    assert the_day(databases) == {
        "days": {date(2026, 3, 1): "published"},
        "orders": ORDERS - 2,
        "sold": ORDERS - 2,
    }
    reasons = databases[1].sql("SELECT quarantine_reason FROM quarantine.orders")
    print(reasons)
    assert len(reasons) == 2
    assert scratch_schemas(databases[1]) == []


def test_a_second_run_of_a_night_changes_nothing(run_dag: RunDag, databases: Databases) -> None:
    found = []
    for _ in range(2):
        done = run(run_dag, "warehouse_nightly", day=DAY, orders=ORDERS, bad_orders=0)
        assert done.state == "success"
        found.append(the_day(databases))
    assert found[0] == found[1]
    assert found[0]["orders"] == ORDERS


def test_a_night_with_too_many_bad_orders_is_held_back(
    run_dag: RunDag, databases: Databases
) -> None:
    done = run(run_dag, "warehouse_nightly", day=DAY, orders=ORDERS, bad_orders=20)
    assert done.state == "success"
    assert done.states["publish", -1] == "skipped"
    assert the_day(databases) == {
        "days": {date(2026, 3, 1): "held back"},
        "orders": 0,
        "sold": 0,
    }
    assert scratch_schemas(databases[1]) == []


def test_a_night_makes_up_for_the_ones_before(run_dag: RunDag, databases: Databases) -> None:
    warehouse = databases[1]
    assert run(run_dag, "warehouse_nightly", orders=ORDERS, bad_orders=0).state == "success"
    # As though the last three nights had not been.
    warehouse.sql("UPDATE mart.days SET day = day - 3")
    done = run(run_dag, "warehouse_nightly", orders=ORDERS, bad_orders=0)
    assert done.state == "success"
    loaded = [key for key in done.states if key[0] == "load_day.copy"]
    print(loaded, done.names)
    assert len(loaded) == 3
    assert warehouse.sql("SELECT count(*) FROM mart.days WHERE state = 'published'") == [(4,)]


def test_a_load_that_fails_is_noted_and_leaves_nothing_behind(
    run_dag: RunDag, databases: Databases
) -> None:
    shop, warehouse = databases
    # Somebody has changed a column's type: the transfer refuses to go on.
    shop.sql(
        "CREATE TABLE products (id bigint PRIMARY KEY, name text NOT NULL, price numeric NOT NULL,"
        " discount text NOT NULL DEFAULT 'none')"
    )
    done = run(run_dag, "warehouse_nightly", day=DAY, orders=ORDERS)
    assert done.state == "failed"
    assert "discount" in str(done.errors["load_dimension.copy", 1])
    assert done.states["recover", -1] == "success"
    assert done.states["close_scratch", -1] == "success"
    assert warehouse.sql("SELECT day, state FROM mart.days") == [(date(2026, 3, 1), "failed")]
    assert scratch_schemas(warehouse) == []


def test_reporting_writes_a_line_for_each_published_day(
    run_dag: RunDag, databases: Databases
) -> None:
    for day in (DAY, "2026-03-02"):
        run(run_dag, "warehouse_nightly", day=day, orders=ORDERS, bad_orders=0)
    done = run(run_dag, "reporting")
    assert done.state == "success"
    assert done.xcom("show") == 2
    report = databases[1].sql("SELECT orders, change_to_day_before FROM mart.report ORDER BY day")
    print(report)
    assert [orders for orders, _ in report] == [ORDERS, ORDERS]
    assert report[0][1] is None
    assert report[1][1] is not None


def test_a_backfill_loads_each_order_of_the_stretch_once(
    run_dag: RunDag, databases: Databases
) -> None:
    _, warehouse = databases
    stretch = {"start": "2026-01-30", "end": "2026-03-02", "orders": ORDERS}
    days = 31
    for every, partitions in (("month", 3), ("week", 5)):
        done = run(run_dag, "backfill_partitions", every=every, **stretch)
        assert done.state == "success"
        assert done.xcom("tell") == days * ORDERS
        assert len(done.xcom("partitions")) == partitions
        assert warehouse.sql("SELECT count(*), count(DISTINCT id) FROM orders") == [
            (days * ORDERS, days * ORDERS)
        ]


@pytest.mark.parametrize("width", [0, 3])
def test_a_stress_reports_how_wide_it_got(width: int, run_dag: RunDag) -> None:
    done = run(run_dag, "fanout_stress", width=width, seconds=0, memory=1)
    assert done.state == "success"
    found = done.xcom("report")
    # In this process there is one pod at a time, however many there are.
    assert (found["pods"], found["most_at_once"]) == ((1, 1) if width else (0, 0))
    assert done.names == {("load", index): str(index) for index in range(width)}
