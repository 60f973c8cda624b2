"""Any two databases: SQLite to PostgreSQL, PostgreSQL to SQLite, SQLite to SQLite."""

# ruff: noqa: S608 -- a test's own names
from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from airflow.providers.sqlite.hooks.sqlite import SqliteHook

from tests.operators.transfer.conftest import Lite, Move, rows
from tests.operators.transfer.locks import GATES, waiting, when_blocked
from tests.operators.transfer.test_modes import DAY, WHOLE
from updraft.errors import ConfigurationError
from updraft.sql import TableName, sql_hook
from updraft.testing.postgres import Database
from updraft.transfer.interval import Interval
from updraft.transfer.move import Transfer
from updraft.transfer.sessions import Sessions
from updraft.transfer.source import Source
from updraft.transfer.values import convert, converters, to_bytes, to_json, to_sqlite

LITE_ORDERS = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, amount NUMERIC,"
    " placed_at DATETIME, details JSON)"
)
TO_LITE = {"target_conn_id": "lite"}
FROM_LITE = {"source_conn_id": "lite"}


@pytest.mark.parametrize(
    "options",
    [
        *({**options, "batch_rows": 4} for options in WHOLE.values()),
        *({"mode": "replace", "batch_rows": size} for size in (1, 6, 5_000)),
    ],
)
def test_there_and_back_again_gives_the_same_rows(
    options: dict[str, Any], shop: Database, warehouse: Database, lite: Lite, move: Move
) -> None:
    lite.sql(LITE_ORDERS)
    for _ in range(2):
        there, back = move(**options, **TO_LITE), move(**options, **FROM_LITE)
        assert there.state == back.state == "success", there.error or back.error
        assert there.value["rows"] == back.value["rows"] == 6
        assert rows(warehouse) == rows(shop)
    found = lite.sql("SELECT * FROM orders ORDER BY id LIMIT 1")
    print(found)
    details = found[0][4]
    assert found[0][:4] == (1, "customer 1", 1.25, "2026-03-01 12:00:00")
    assert json.loads(details) == {"sku": 1, "nöte": 'tab\tand "quote"'}
    assert (
        there.value["bytes"]
        == lite.sql(
            "SELECT sum(length(id) + length(customer) + length('1.25') + length(placed_at)"
            " + length(details)) FROM orders"
        )[0][0]
    )
    [(text,)] = warehouse.sql("SELECT sum(length(o::text)) FROM orders o")
    assert text / 2 < back.value["bytes"] < text * 2


def test_an_interval_is_found_in_every_notation_of_a_time(
    warehouse: Database, lite: Lite, move: Move
) -> None:
    lite.sql("CREATE TABLE orders (id INTEGER, placed_at TEXT)")
    for number, at in enumerate(
        [
            "2026-03-01 23:59:59.999", "2026-03-02", "2026-03-02T00:00:00",
            "2026-03-02 00:00:00+00:00", "2026-03-02T23:59:59Z", "2026-03-02 23:59:59.9",
            "2026-03-03T01:00:00+02:00", "2026-03-03", "2026-03-03T00:00:00", None,
        ]
    ):  # fmt: skip
        lite.sql("INSERT INTO orders VALUES (?, ?)", number, at)
    options = {"mode": "append", "interval_column": "placed_at", "data_interval": DAY}
    for _ in range(2):
        assert move(**options, **FROM_LITE).state == "success"
        assert [row[0] for row in rows(warehouse)] == [1, 2, 3, 4, 5, 6]
    lite.sql("CREATE TABLE copies AS SELECT * FROM orders WHERE id IN (0, 7)")
    for _ in range(2):
        result = move(**options, **FROM_LITE, **TO_LITE, target_table="copies")
        assert result.state == "success", result.error
        assert [row[0] for row in rows(lite, "copies")] == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("place", "parameters"), [(":least", {"least": 3}), ("?", [3]), ("3", None)]
)
def test_an_interval_joins_a_querys_own_parameters(
    place: str, parameters: Any, warehouse: Database, lite: Lite, move: Move
) -> None:
    lite.sql(LITE_ORDERS)
    move(mode="replace", **TO_LITE)
    result = move(
        **FROM_LITE,
        mode="append",
        sql=f"SELECT * FROM orders WHERE id >= {place} AND customer LIKE 'c%'",
        parameters=parameters,
        interval_column="placed_at",
        data_interval=DAY,
    )
    assert result.state == "success", result.error
    assert [row[0] for row in rows(warehouse)] == [3]


def test_sqlites_few_kinds_become_what_the_target_has(
    warehouse: Database, lite: Lite, move: Move
) -> None:
    lite.sql(
        "CREATE TABLE kinds (id INTEGER, flag INTEGER, day TEXT, number TEXT, body TEXT,"
        " raw BLOB, key TEXT, real REAL, long TEXT)"
    )
    lite.sql(
        "INSERT INTO kinds VALUES (1, 1, '2026-03-02', '0.10', '{\"a\": 1}', ?,"
        " '6f1c7a3e-0000-4000-8000-000000000001', 0.1, '1 day')",
        b"\x00\xff\\",
    )
    lite.sql("INSERT INTO kinds (id, flag, raw) VALUES (2, 0, 'text')")
    warehouse.sql(
        "CREATE TABLE kinds (id int, flag boolean, day date, number numeric, body jsonb,"
        " raw bytea, key uuid, real float8, long interval)"
    )
    result = move(**FROM_LITE, mode="replace", source_table="kinds", target_table="kinds")
    assert result.state == "success", result.error
    found = warehouse.sql("SELECT * FROM kinds ORDER BY id")
    print(*found, sep="\n")
    assert found[0] == (
        1, True, date(2026, 3, 2), Decimal("0.10"), {"a": 1}, b"\x00\xff\\",
        UUID("6f1c7a3e-0000-4000-8000-000000000001"), 0.1, timedelta(days=1),
    )  # fmt: skip
    assert found[1] == (2, False, None, None, None, b"text", None, None, None)


def test_every_kind_of_postgresql_is_kept_in_sqlite(shop: Database, lite: Lite, move: Move) -> None:
    shop.sql(
        "CREATE TABLE kinds AS SELECT true AS flag, date '2026-03-02' AS day, time '12:30' AS at,"
        " timestamp '2026-03-02 01:02:03.5' AS plain,"
        " timestamptz '2026-03-02 01:02:03+02' AS instant, 1e-7::numeric AS number,"
        """ '{"a": 1.10, "b": 1}'::json AS body, '"x"'::jsonb AS word, '\\x00ff'::bytea AS raw,"""
        " '6f1c7a3e-0000-4000-8000-000000000001'::uuid AS key, interval '1 day' AS long,"
        " 0.1::float8 AS real"
    )
    lite.sql(
        "CREATE TABLE kinds (flag BOOLEAN, day DATE, at TIME, plain DATETIME, instant TEXT,"
        " number TEXT, body JSON, word TEXT, raw BLOB, key TEXT, long TEXT, real REAL)"
    )
    options = {"source_table": "kinds", "target_table": "kinds", "mode": "replace"}
    result = move(**options, **TO_LITE)
    assert result.state == "success", result.error
    [found] = lite.sql("SELECT * FROM kinds")
    print(*found, sep="\n")
    assert found == (
        1, "2026-03-02", "12:30:00", "2026-03-02 01:02:03.500000", "2026-03-01 23:02:03",
        "1E-7", '{"a": 1.10, "b": 1}', '"x"', b"\x00\xff",
        "6f1c7a3e-0000-4000-8000-000000000001", "1 day, 0:00:00", 0.1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"source_table": "missing"}, "ConfigurationError", "there is no table missing"),
        ({"source_table": "far.orders"}, "ConfigurationError", "no table far.orders"),
        ({"sql": "SELECT colour FROM orders"}, "ConfigurationError", "no such column"),
        ({"sql": "SELECT 'x' AS id"}, "DataError", 'invalid input syntax for type bigint: "x"'),
        (
            {"source_table": "wrong"},
            "SchemaMismatchError",
            "id is TEXT and doesn't fit into id, bigint",
        ),
        ({"sql": "SELECT 1 AS id, char(0) AS customer"}, "DataError", "NUL"),
        ({"target_conn_id": "lite", "keys": ["customer"]}, "ConfigurationError", "keep (customer)"),
        ({"target_conn_id": "lite", "target_table": "none"}, "ConfigurationError", "no table none"),
        ({"target_conn_id": "lite", "sql": "SELECT 7 AS id"}, "DataError", "NOT NULL constraint"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(
    options: dict[str, Any], error: str, told: str, lite: Lite, move: Move
) -> None:
    lite.sql(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL DEFAULT 'x',"
        " more TEXT NOT NULL DEFAULT 'x' CHECK (more <> customer))"
    )
    lite.sql("INSERT INTO orders VALUES (1, 'one', 'more')")
    lite.sql("CREATE TABLE wrong (id TEXT)")
    lite.sql(
        "CREATE TRIGGER refuse BEFORE INSERT ON orders WHEN new.id = 7"
        " BEGIN SELECT RAISE(ABORT, 'NOT NULL constraint of a kind'); END"
    )
    before = rows(lite)
    result = move(**{**FROM_LITE, "mode": "upsert", "keys": ["id"], **options})
    assert type(result.error).__name__ == error
    assert told in str(result.error)
    assert rows(lite) == before


def test_an_upsert_changes_known_rows_in_sqlite(lite: Lite, move: Move) -> None:
    lite.sql("CREATE TABLE orders (id INTEGER, customer TEXT, note TEXT, UNIQUE (id))")
    lite.sql("CREATE UNIQUE INDEX some ON orders (customer) WHERE note > ''")
    lite.sql("INSERT INTO orders VALUES (2, 'old', 'kept'), (9, 'other', 'kept')")
    options = {"mode": "upsert", "columns": ["id", "customer"], **TO_LITE}
    for _ in range(2):
        result = move(**options, keys=["id"])
        assert result.state == "success", result.error
    found = lite.sql("SELECT * FROM orders ORDER BY id")
    assert found[1] == (2, "customer 2", "kept")
    assert [row[0] for row in found] == [1, 2, 3, 4, 5, 6, 9]
    refused = move(**options, keys=["customer"])
    assert "doesn't keep (customer) unique" in str(refused.error)
    lite.sql("CREATE UNIQUE INDEX whole ON orders (customer)")
    assert move(**options, keys=["customer"]).error is None


def test_while_rows_are_on_their_way_others_write_into_the_sqlite_file(
    shop: Database, lite: Lite, move: Move, aside: ThreadPoolExecutor
) -> None:
    shop.sql(GATES.replace("1500", "5"))
    lite.sql(LITE_ORDERS)
    lite.sql("INSERT INTO orders (id) VALUES (77)")
    lite.sql("CREATE TABLE witness (orders INTEGER)")

    def look() -> None:
        lite.sql("INSERT INTO witness SELECT count(*) FROM orders")
        # The rows before the gate have come already: the source's server keeps the others.
        assert waiting(shop, "advisory", "FETCH")

    with when_blocked(aside, shop, look, then_open=True):
        result = move(mode="replace", source_table="gated", batch_rows=2, **TO_LITE)
    assert result.state == "success", result.error
    assert lite.sql("SELECT * FROM witness") == [(1,)]
    assert len(rows(lite)) == 6


class Other(SqliteHook):
    """A database that the transfer knows nothing of, beyond what PEP 249 and SQL promise."""

    dialect_name = "other"


def test_a_database_of_any_other_kind_takes_the_general_path(
    shop: Database, warehouse: Database, lite: Lite
) -> None:
    lite.sql("CREATE TABLE orders (id INTEGER, customer TEXT, placed_at DATETIME)")
    lite.sql(
        "INSERT INTO orders VALUES (1, 'old', '2026-03-01'), (2, 'old', '2026-03-02 00:00:00')"
    )
    here: Any = Other("lite")  # type: ignore[no-untyped-call]
    orders = TableName("orders")
    chosen, day = ("id", "customer", "placed_at"), Interval("placed_at", *DAY)
    source = Source(sql_hook("shop"), None, "SELECT id, customer, placed_at::timestamp FROM orders")
    upsert = Transfer(source, here, orders, "upsert", ("id",), chosen=chosen)
    with pytest.raises(ConfigurationError, match="upsert is not made for other"):
        upsert.run(Sessions())
    for _ in range(2):
        moved = Transfer(source, here, orders, "append", (), day, chosen).run(Sessions())
        assert moved.rows == 2
        assert lite.sql("SELECT id, customer, placed_at FROM orders ORDER BY id") == [
            (1, "old", "2026-03-01"),
            (2, "customer 2", "2026-03-02 00:00:00"),
            (3, "customer 3", "2026-03-02 12:00:00"),
        ]
    assert [*day.bounds(here).values()] == [each.replace(tzinfo=None) for each in DAY]
    back = Source(here, orders)
    table = TableName("copies")
    warehouse.sql("CREATE TABLE copies (id bigint, customer text, placed_at timestamp)")
    Transfer(back, sql_hook("warehouse"), table, "append", (), day).run(Sessions())
    assert [row[0] for row in rows(warehouse, "copies")] == [2, 3]
    assert len(rows(shop)) == 6


def test_values_keep_their_meaning() -> None:
    assert to_json({"ü": [1, date(2026, 1, 1)]}) == '{"ü": [1, "2026-01-01"]}'
    assert to_json('{"a": 1}') == '{"a": 1}'
    assert to_json(1) == "1"
    assert to_bytes("ü") == b"\xc3\xbc"
    assert to_bytes(memoryview(b"a")) == b"a"
    berlin = datetime(2026, 3, 2, 1, tzinfo=UTC).astimezone()
    cases = [
        (berlin, "2026-03-02 01:00:00"),
        (datetime(2026, 3, 2, 1), "2026-03-02 01:00:00"),  # noqa: DTZ001 -- one without a zone
        (time(1, 2), "01:02:00"),
        (bytearray(b"a"), b"a"),
        ([1, {"a": None}], '[1, {"a": null}]'),
        (Decimal("1.10"), "1.10"),
        (True, True),
    ]
    for value, kept in cases:
        assert to_sqlite(value) == kept
    assert converters(["jsonb", "bytea", "text", "int"], "mysql") == [to_json, to_bytes, None, None]
    assert converters(["int", "text"], "sqlite") == [to_sqlite, to_sqlite]
    assert convert([None, 1, {}], [to_json, None, to_json]) == [None, 1, "{}"]
