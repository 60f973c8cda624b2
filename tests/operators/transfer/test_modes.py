"""Each mode gives the target that it promises, however often it runs."""

# ruff: noqa: S608 -- a test's own names
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.operators.transfer.conftest import Move, rows
from updraft.testing.postgres import Database

DAY = (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
# Options of each mode that make the whole target equal the shop's orders.
WHOLE: dict[str, dict[str, Any]] = {
    "append": {
        "mode": "append",
        "interval_column": "placed_at",
        "interval_start": "2026-01-01",
        "interval_end": "2027-01-01",
    },
    "upsert": {"mode": "upsert", "keys": ["id"]},
    "replace": {"mode": "replace"},
}


@pytest.mark.parametrize("mode", WHOLE)
def test_a_second_run_gives_the_same_target(
    mode: str, shop: Database, warehouse: Database, move: Move
) -> None:
    first = move(**WHOLE[mode])
    once = rows(warehouse)
    second = move(**WHOLE[mode])
    assert first.value["rows"] == second.value["rows"] == 6
    assert rows(warehouse) == once == rows(shop)
    deleted = [first.value["deleted"], second.value["deleted"]]
    assert deleted == ([0, 0] if mode == "upsert" else [0, 6])


def test_append_writes_the_runs_interval_and_leaves_the_others(
    warehouse: Database, move: Move
) -> None:
    warehouse.sql(
        "INSERT INTO orders VALUES (100, 'before', 1, '2026-03-01 23:59:59.999999+00', null),"
        " (101, 'stale', 1, '2026-03-02 00:00+00', null),"
        " (102, 'stale', 1, '2026-03-02 23:59:59.999999+00', null),"
        " (103, 'after', 1, '2026-03-03 00:00+00', null)"
    )
    result = move(mode="append", interval_column="placed_at", data_interval=DAY)
    found = [(row[0], row[1]) for row in rows(warehouse)]
    print(found)
    assert found == [(2, "customer 2"), (3, "customer 3"), (100, "before"), (103, "after")]
    assert (result.value["rows"], result.value["deleted"]) == (2, 2)


def test_append_goes_by_a_renamed_column_and_a_querys_rows_outside_stay_away(
    warehouse: Database, move: Move
) -> None:
    warehouse.sql("CREATE TABLE days (number int, at timestamp, who text DEFAULT 'nobody')")
    options: dict[str, Any] = {
        "mode": "append",
        "sql": "SELECT id, placed_at FROM orders WHERE customer LIKE 'customer %' -- all;\n;",
        "columns": {"id": "number", "placed_at": "at"},
        "target_table": "days",
        "interval_column": "at",
        "data_interval": DAY,
    }
    for _ in range(2):
        assert move(**options).state == "success"
        found = warehouse.sql("SELECT number, at::text, who FROM days ORDER BY 1")
        assert found == [
            (2, "2026-03-02 00:00:00", "nobody"),
            (3, "2026-03-02 12:00:00", "nobody"),
        ]


@pytest.mark.parametrize(
    ("place", "percent", "parameters"),
    [("%(least)s", "%%", {"least": 3}), ("%s", "%%", [3]), ("3", "%", None)],
)
def test_an_interval_joins_a_querys_own_parameters(
    place: str, percent: str, parameters: Any, warehouse: Database, move: Move
) -> None:
    query = f"SELECT * FROM orders WHERE id >= {place} AND customer LIKE 'c{percent}'"
    result = move(
        mode="append",
        sql=query,
        parameters=parameters,
        interval_column="placed_at",
        data_interval=DAY,
    )
    assert result.state == "success", result.error
    assert [row[0] for row in rows(warehouse)] == [3]


def test_an_interval_may_be_of_numbers(warehouse: Database, move: Move) -> None:
    options = {"mode": "append", "interval_column": "id", "interval_end": "5"}
    for start in ("{{ 1 + 1 }}", "3"):
        assert move(**options, interval_start=start).state == "success"
    assert [row[0] for row in rows(warehouse)] == [2, 3, 4]
    assert move(**options, interval_start=4).value["deleted"] == 1


def test_upsert_changes_moved_columns_of_known_rows_alone(warehouse: Database, move: Move) -> None:
    warehouse.sql("ALTER TABLE orders ADD note text DEFAULT 'new'")
    warehouse.sql("INSERT INTO orders VALUES (2, 'old', 9, null, null, 'mine')")
    warehouse.sql("INSERT INTO orders (id, customer, note) VALUES (9, 'kept', null)")
    result = move(mode="upsert", keys=["id"], columns=["id", "customer"])
    found = warehouse.sql("SELECT id, customer, amount, note FROM orders ORDER BY 1")
    print(found)
    assert result.value["deleted"] == 0
    assert found[1] == (2, "customer 2", 9, "mine")
    assert found[2] == (3, "customer 3", None, "new")
    assert found[6] == (9, "kept", None, None)
    assert len(found) == 7


def test_upsert_of_keys_alone_adds_what_is_missing(warehouse: Database, move: Move) -> None:
    warehouse.sql("CREATE TABLE pairs (customer text, id int, UNIQUE (id, customer))")
    warehouse.sql("INSERT INTO pairs VALUES ('customer 2', 2)")
    options = {"columns": ["id", "customer"], "target_table": "pairs", "keys": ["customer", "id"]}
    assert move(mode="upsert", **options).state == "success"
    assert warehouse.sql("SELECT count(*), count(DISTINCT id) FROM pairs") == [(6, 6)]


def test_replace_leaves_nothing_of_before(shop: Database, warehouse: Database, move: Move) -> None:
    warehouse.sql("INSERT INTO orders VALUES (3, 'stale'), (77, 'gone')")
    assert move(mode="replace").value["deleted"] == 2
    assert rows(warehouse) == rows(shop)


@pytest.mark.parametrize("mode", WHOLE)
def test_an_empty_source_is_no_error_where_nothing_goes(
    mode: str, shop: Database, warehouse: Database, move: Move
) -> None:
    shop.sql("DELETE FROM orders")
    result = move(**WHOLE[mode])
    assert result.state == "success", result.error
    assert (result.value["rows"], result.value["bytes"], result.value["deleted"]) == (0, 0, 0)
    assert rows(warehouse) == []


@pytest.mark.parametrize("mode", WHOLE)
def test_an_empty_source_deletes_only_where_that_is_allowed(
    mode: str, shop: Database, warehouse: Database, move: Move
) -> None:
    move(**WHOLE[mode])
    shop.sql("DELETE FROM orders")
    refused = move(**WHOLE[mode])
    assert len(rows(warehouse)) == 6
    if mode == "upsert":  # it never deletes
        assert refused.state == "success"
        return
    assert type(refused.error).__name__ == "DataError"
    assert f"the source gave no rows, and {mode} would delete 6" in str(refused.error)
    assert move(**WHOLE[mode], allow_empty=True).value["deleted"] == 6
    assert rows(warehouse) == []


@pytest.mark.usefixtures("shop")
def test_fields_are_templated_and_a_query_may_be_a_file(
    warehouse: Database, tmp_path: Path, run_dag: Any
) -> None:
    (tmp_path / "orders.sql").write_text("SELECT * FROM orders WHERE id <= {{ params.last }}\n")
    (tmp_path / "moving.py").write_text(
        "from airflow.sdk import DAG\n"
        "from updraft.transfer import CustomDataOperator\n"
        "with DAG('moving', schedule=None, params={'last': 4, 'to': 'orders', 'from': 'shop'},\n"
        f"         template_searchpath={str(tmp_path)!r}):\n"
        "    CustomDataOperator(task_id='move', source_conn_id='{{ params.from }}',\n"
        "        target_conn_id='warehouse', sql='orders.sql', mode='replace',\n"
        "        target_table='public.{{ params.to }}')\n"
    )
    run = run_dag(tmp_path / "moving.py")
    print(run.states, run.errors)
    assert run.state == "success"
    assert run.xcom("move")["rows"] == len(rows(warehouse)) == 4


def test_names_may_be_anything_that_a_database_takes(
    shop: Database, warehouse: Database, move: Move
) -> None:
    name = 'Bestellungen für "März" %s %(x)s'
    quoted = '"' + name.replace('"', '""') + '"'
    for database in (shop, warehouse):
        database.sql('CREATE SCHEMA "ünïcode; DROP"')
        database.sql(
            f'CREATE TABLE "ünïcode; DROP".{quoted} ("schlüssel %" int UNIQUE, "at %s" date)'
        )
    shop.sql(f"INSERT INTO \"ünïcode; DROP\".{quoted} VALUES (1, '2026-03-02')")
    table = f'"ünïcode; DROP".{quoted}'
    for options in (
        {"mode": "append", "interval_column": "at %s", "data_interval": DAY},
        {"mode": "upsert", "keys": ["schlüssel %"]},
        {"mode": "replace"},
    ):
        result = move(source_table=table, target_table=table, **options)
        assert result.state == "success", result.error
        assert warehouse.sql(f"SELECT count(*) FROM {table}") == [(1,)]


def test_a_target_named_like_the_staging_table_is_none(
    shop: Database, warehouse: Database, move: Move
) -> None:
    warehouse.sql("ALTER TABLE orders RENAME TO updraft_staging")
    assert move(mode="replace", target_table="updraft_staging").state == "success"
    assert rows(warehouse, "updraft_staging") == rows(shop)


def test_one_database_may_be_both_sides(shop: Database, move: Move) -> None:
    shop.sql("CREATE TABLE copies (LIKE orders)")
    assert move(target_conn_id="shop", target_table="copies", mode="replace").state == "success"
    assert rows(shop, "copies") == rows(shop)


def test_a_covering_index_keeps_its_keys_unique(warehouse: Database, move: Move) -> None:
    warehouse.sql("CREATE TABLE soon (a int, b int)")
    warehouse.sql("CREATE UNIQUE INDEX covering ON soon (b) INCLUDE (a)")
    for a in (1, 2):
        result = move(
            mode="upsert", keys=["b"], sql=f"SELECT {a} AS a, 2 AS b", target_table="soon"
        )
        assert result.state == "success", result.error
    assert warehouse.sql("SELECT a, b FROM soon") == [(2, 2)]


@pytest.mark.parametrize(
    ("interval", "moved"),
    [
        # What CronTriggerTimetable gives: the moment itself.
        ((DAY[0], DAY[0]), None),
        ((DAY[0], datetime(2026, 3, 2, 1, tzinfo=UTC)), 1),
    ],
)
def test_an_append_needs_an_interval_that_is_not_empty(
    interval: tuple[datetime, datetime], moved: int | None, move: Move
) -> None:
    result = move(mode="append", interval_column="placed_at", data_interval=interval)
    assert (result.value or {}).get("rows") == moved
    if moved is None:
        assert "no data interval" in str(result.error)


def test_rows_that_would_leave_their_interval_on_the_way_are_refused(
    warehouse: Database, move: Move
) -> None:
    warehouse.sql("CREATE TABLE coarse (at timestamptz(0))")
    warehouse.sql("INSERT INTO coarse VALUES ('2026-03-02 12:00:00')")
    result = move(
        mode="append",
        sql="SELECT placed_at + interval '0.7 s' AS at FROM orders",
        target_table="coarse",
        interval_column="at",
        interval_start="2026-03-02 12:00:00.5",
        interval_end="2026-03-02 12:00:01",
    )
    assert type(result.error).__name__ == "DataError"
    assert "1 rows are outside of at from 2026-03-02 12:00:00.5" in str(result.error)
    assert warehouse.sql("SELECT count(*) FROM coarse") == [(1,)]
