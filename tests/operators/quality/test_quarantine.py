"""Bad rows are moved aside all at once, each once, and none is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.operators.quality.conftest import Database, Evaluation, Lite
from tests.waiting import wait_for
from updraft.errors import ConfigurationError, DataError, SchemaMismatchError
from updraft.quality import (
    AcceptedValues,
    CustomSql,
    InRange,
    NotNull,
    Quarantine,
    References,
    RowCount,
    Unique,
)
from updraft.quality.move import Move
from updraft.quality.session import Session
from updraft.sql import TableName, sql_hook
from updraft.testing.postgres import Database as Postgres

ROWS = """
    INSERT INTO orders VALUES
    (1, 7, 10, 'new', '2026-03-01 10:00:00'),
    (1, 7, -1, 'new', '2026-03-01 11:00:00'),
    (2, 8, 30, 'new', '2026-02-01 11:00:00'),
    (2, 8, 40, 'new', '2026-02-01 12:00:00'),
    (2, 8, 35, 'new', NULL),
    (3, 5, 50, 'odd', NULL),
    (NULL, 7, 60, 'new', NULL),
    (4, NULL, NULL, NULL, NULL),
    (5, 7, 70, 'new', NULL),
    (5, 7, 70, 'new', NULL)
"""
CHECKS = (
    NotNull("id"),
    Unique("id", latest_by="placed_at"),
    InRange("price", min=0),
    AcceptedValues("status", ["new"]),
    References("customer", "customers", "id"),
)
ALL = Quarantine("bad", max_ratio=1)


@pytest.fixture
def filled(orders: Database, evaluate: Evaluation) -> Evaluation:
    orders.sql("CREATE TABLE customers (id INTEGER)")
    orders.sql("INSERT INTO customers VALUES (7), (8)")
    orders.sql(ROWS)
    return evaluate


def rows(database: Database, table: str, columns: str = "id, customer, price, status") -> Any:
    """The rows of a table as a multiset."""
    found = database.sql(f"SELECT {columns} FROM {table}")  # noqa: S608 -- the test's own names
    return Counter(tuple(str(each) for each in row) for row in found)


def test_rows_that_break_a_check_are_moved_with_the_reason(
    filled: Evaluation, orders: Database
) -> None:
    before = rows(orders, "orders")
    verdict = filled(*CHECKS, quarantine=ALL)
    moved = orders.sql("SELECT id, price, quarantine_reason FROM bad ORDER BY id, price")
    print(*moved, sep="\n")
    assert sorted((str(row[0]), int(row[1]), row[2]) for row in moved) == [
        ("1", -1, "in_range(price); unique(id)"),
        ("2", 30, "unique(id)"),
        ("2", 35, "unique(id)"),
        ("3", 50, "accepted_values(status); references(customer)"),
        ("5", 70, "unique(id)"),
        ("None", 60, "not_null(id)"),
    ]
    assert verdict.moved == 6
    assert rows(orders, "orders") + rows(orders, "bad") == before
    assert [each.outcome for each in verdict.results] == ["passed"] * len(CHECKS)
    assert [each.quarantined for each in verdict.results] == [1, 4, 1, 1, 1]
    ((run_ids, times),) = orders.sql(
        "SELECT count(DISTINCT quarantine_run_id), count(quarantine_time) FROM bad"
    )
    assert (run_ids, times) == (1, 6)
    assert orders.sql("SELECT quarantine_run_id FROM bad")[0] == ("run 1",)


def test_of_equal_rows_the_best_stays_then_the_latest_then_the_first(
    orders: Database, evaluate: Evaluation
) -> None:
    orders.sql("""
        INSERT INTO orders VALUES
        (1, 1, -5, 'bad but latest', '2026-03-09 00:00:00'),
        (1, 1, 5, 'stays', '2026-03-02 00:00:00'),
        (1, 1, 5, 'older', '2026-03-01 00:00:00'),
        (2, 1, 5, 'undated', NULL),
        (2, 1, 5, 'stays', '2026-03-01 00:00:00'),
        (3, 1, 5, 'stays', NULL),
        (3, 1, 5, 'later stored', NULL)
    """)
    evaluate(Unique("id", latest_by="placed_at"), InRange("price", min=0), quarantine=ALL)
    left = orders.sql("SELECT id, status FROM orders ORDER BY id")
    print(left)
    assert left == [(1, "stays"), (2, "stays"), (3, "stays")]


def test_rows_without_a_key_are_no_duplicates(orders: Database, evaluate: Evaluation) -> None:
    orders.sql("""
        INSERT INTO orders (id, customer) VALUES
        (NULL, 1), (NULL, 1), (1, NULL), (1, NULL), (NULL, NULL), (NULL, NULL), (2, 2), (2, 2)
    """)
    verdict = evaluate(Unique(["id", "customer"]), quarantine=ALL)
    assert verdict.moved == verdict.results[0].quarantined == 1
    assert orders.sql("SELECT id, customer FROM bad") == [(2, 2)]


def test_rows_whose_values_read_alike_are_not_the_same(
    orders: Database, evaluate: Evaluation
) -> None:
    for row in ((1, 11, ""), (11, 1, ""), (11, 1, None), (11, 1, ",")):
        orders.sql("INSERT INTO orders (id, customer, status) VALUES (%s, %s, %s)", *row)
        orders.sql("UPDATE orders SET price = -1")
        assert evaluate(InRange("price", min=0), quarantine=ALL).moved == 1
    found = rows(orders, "bad", "id, customer, status")
    print(found)
    assert len(found) == 4


def test_a_second_run_moves_nothing_twice(filled: Evaluation, orders: Database) -> None:
    filled(*CHECKS, quarantine=ALL)
    bad, good = rows(orders, "bad"), rows(orders, "orders")
    again = filled(*CHECKS, quarantine=ALL)
    print(again)
    assert again.moved == 0
    assert (rows(orders, "bad"), rows(orders, "orders")) == (bad, good)


def test_rows_loaded_again_by_the_same_run_replace_those_in_quarantine(
    filled: Evaluation, orders: Database
) -> None:
    filled(*CHECKS, quarantine=ALL)
    bad = rows(orders, "bad")
    orders.sql("DELETE FROM orders")
    orders.sql(ROWS)
    assert filled(*CHECKS, quarantine=ALL).moved == 6
    assert rows(orders, "bad") == bad
    orders.sql(ROWS)
    filled(*CHECKS, quarantine=ALL, run_id="run 2")
    columns = "quarantine_run_id, count(*)"
    found = orders.sql(f"SELECT {columns} FROM bad GROUP BY 1 ORDER BY 1")  # noqa: S608 -- own
    print(found)
    # All ten were there already, or break a check.
    assert found == [("run 1", 6), ("run 2", 10)]


def test_what_the_same_run_finds_later_joins_what_it_found_before(
    filled: Evaluation, orders: Database
) -> None:
    filled(*CHECKS, quarantine=ALL)
    orders.sql("INSERT INTO orders VALUES (9, 7, -9, 'new', NULL)")
    assert filled(*CHECKS, quarantine=ALL).moved == 1
    assert sum(rows(orders, "bad").values()) == 7


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_ratio": 0.59}, "6 bad rows of 10 are more than max_ratio 0.59"),
        ({"max_rows": 5, "max_ratio": 1}, "6 bad rows are more than max_rows 5"),
        ({}, "more than max_ratio 0.1"),
    ],
)
def test_above_its_limit_a_quarantine_takes_nothing(
    filled: Evaluation, orders: Database, limits: dict[str, Any], message: str
) -> None:
    before = rows(orders, "orders")
    verdict = filled(*CHECKS, quarantine=Quarantine("bad", **limits))
    print(verdict.refusal)
    assert message in str(verdict.refusal)
    assert verdict.moved == 0
    assert [each.outcome for each in verdict.results] == ["failed"] * len(CHECKS)
    assert rows(orders, "orders") == before
    with pytest.raises(Exception, match=r"bad"):
        orders.sql("SELECT 1 FROM bad")


def test_a_limit_is_a_part_of_the_rows_under_check(filled: Evaluation, orders: Database) -> None:
    half = Quarantine("bad", max_ratio=0.5)
    verdict = filled(*CHECKS, quarantine=half, where="id = 2")
    assert verdict.refusal is not None
    assert verdict.refusal.what == (
        "the quarantine moves nothing: 2 bad rows of 3 are more than max_ratio 0.5"
    )
    assert (verdict.refusal.where, bool(verdict.refusal.fix)) == ("table orders", True)
    assert filled(*CHECKS, quarantine=half, where="id IN (2, 4)").moved == 2
    assert sum(rows(orders, "bad").values()) == 2


@pytest.mark.parametrize("limits", [{"max_ratio": 0.6}, {"max_rows": 6, "max_ratio": 1}])
def test_at_its_limit_a_quarantine_takes_all(
    filled: Evaluation, orders: Database, limits: dict[str, Any]
) -> None:
    assert filled(*CHECKS, quarantine=Quarantine("bad", **limits)).moved == 6
    assert sum(rows(orders, "bad").values()) == 6


def test_only_rows_of_the_condition_are_moved(filled: Evaluation, orders: Database) -> None:
    verdict = filled(
        *CHECKS, quarantine=ALL, where="id = :id", parameters={"id": 2}, run_id="it's \\ 100%"
    )
    assert verdict.moved == 2
    assert set(rows(orders, "bad", "id, quarantine_run_id")) == {("2", "it's \\ 100%")}


def test_good_rows_make_no_quarantine(orders: Database, evaluate: Evaluation) -> None:
    orders.sql("INSERT INTO orders VALUES (1, 1, 1, 'new', NULL)")
    assert evaluate(*CHECKS[:3], RowCount(min=5), quarantine=ALL).moved == 0
    with pytest.raises(Exception, match=r"bad"):
        orders.sql("SELECT 1 FROM bad")


def test_a_move_finds_nothing_that_has_gone_meanwhile(
    orders: Database, evaluate: Evaluation
) -> None:
    assert evaluate(NotNull("id"), quarantine=ALL).moved == 0
    move = Move(sql_hook(orders.conn_id), TableName("orders"), ALL, None, [NotNull("id")])
    with Session(move.hook, write=True) as session:
        assert move.run(session, "run 1") == 0


def test_a_quarantine_takes_any_type_and_name(postgres_database: Postgres) -> None:
    postgres_database.sql("""
        CREATE SCHEMA "s 1"; CREATE TYPE mood AS ENUM ('gut', 'schlecht');
        CREATE TABLE "s 1"."t%:x" (
            id int PRIMARY KEY, "größe %s :a" numeric(9,3), j json, p point, m mood,
            a int[], b bytea, v varchar(7), double int GENERATED ALWAYS AS (id * 2) STORED);
        INSERT INTO "s 1"."t%:x" SELECT i, -i, '{"a": 1}', '(1,2)', 'gut', '{1,NULL}',
            '\\x00ff', 'abc' FROM generate_series(1, 3) i
    """)
    check = InRange("größe %s :a", min=-2)
    quarantine = Quarantine('"s 1"."q%:x"', max_ratio=1)
    evaluate = Evaluation(postgres_database)
    for _ in range(2):
        assert evaluate(check, table='"s 1"."t%:x"', quarantine=quarantine).moved == 1
        stored = postgres_database.sql('SELECT * FROM "s 1"."q%:x"')
        print(stored)
        assert len(stored) == 1
        assert stored[0][-3:-1] == ("in_range(größe %s :a)", "run 1")
        postgres_database.sql("""
            INSERT INTO "s 1"."t%:x" SELECT id, "größe %s :a", j, p, m, a, b, v FROM "s 1"."q%:x"
        """)


def test_partitions_share_a_quarantine(postgres_database: Postgres) -> None:
    postgres_database.sql("""
        CREATE TABLE orders (id int, price int) PARTITION BY LIST (price);
        CREATE TABLE orders_1 PARTITION OF orders FOR VALUES IN (1);
        CREATE TABLE orders_2 PARTITION OF orders FOR VALUES IN (2);
        INSERT INTO orders VALUES (1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (NULL, 2)
    """)
    verdict = Evaluation(postgres_database)(NotNull("id"), Unique("id"), quarantine=ALL)
    left = sorted(postgres_database.sql("SELECT id FROM orders"))
    print(left)
    assert (verdict.moved, left) == (3, [(1,), (2,), (3,)])


def test_a_table_may_name_a_column_as_sqlite_names_the_row(lite: Lite) -> None:
    lite.sql("CREATE TABLE orders (rowid TEXT, _rowid_ TEXT)")
    lite.sql("INSERT INTO orders VALUES ('x', NULL), ('x', 'a'), ('y', 'b')")
    verdict = Evaluation(lite)(NotNull("_rowid_"), quarantine=ALL)
    assert (verdict.moved, lite.sql("SELECT count(*) FROM orders")) == (1, [(2,)])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("id INTEGER", "there is no customer; there is no price"),
        (
            "id INTEGER, customer INTEGER, price NUMERIC(10,2), status TEXT, placed_at TIMESTAMP",
            "there is no quarantine_reason",
        ),
    ],
)
def test_a_quarantine_that_does_not_fit_is_refused(
    filled: Evaluation, orders: Database, made: str, message: str
) -> None:
    orders.sql(f"CREATE TABLE bad ({made})")
    before = rows(orders, "orders")
    with pytest.raises(SchemaMismatchError, match=message) as raised:
        filled(*CHECKS, quarantine=ALL)
    print(raised.value)
    assert raised.value.where == f"connection {orders.conn_id}, table bad"
    assert "alter the quarantine's table" in raised.value.fix
    assert rows(orders, "orders") == before


def test_a_quarantine_with_other_types_is_refused(postgres_database: Postgres) -> None:
    postgres_database.sql("""
        CREATE TABLE orders (id int, price numeric(10,2)); INSERT INTO orders VALUES (NULL, 1);
        CREATE TABLE bad (extra text, price numeric(9,2), id int, quarantine_reason text,
            quarantine_run_id text, quarantine_time timestamptz)
    """)
    message = r"price is numeric\(9,2\), not numeric\(10,2\)"
    with pytest.raises(SchemaMismatchError, match=message):
        Evaluation(postgres_database)(NotNull("id"), quarantine=ALL)
    postgres_database.sql("ALTER TABLE bad ALTER price TYPE numeric(10,2)")
    assert Evaluation(postgres_database)(NotNull("id"), quarantine=ALL).moved == 1


def test_a_table_with_the_quarantines_own_columns_is_refused(
    filled: Evaluation, orders: Database
) -> None:
    orders.sql("ALTER TABLE orders ADD COLUMN quarantine_time TEXT")
    with pytest.raises(SchemaMismatchError, match="the table itself has quarantine_time"):
        filled(*CHECKS, quarantine=ALL)


def test_rows_of_a_view_are_not_moved(orders: Database, evaluate: Evaluation) -> None:
    orders.sql("CREATE VIEW recent AS SELECT * FROM orders")
    with pytest.raises(ConfigurationError, match="ordinary table only") as raised:
        evaluate(NotNull("id"), table="recent", quarantine=ALL)
    print(raised.value)
    assert raised.value.where == f"connection {orders.conn_id}, table recent"
    assert raised.value.fix
    assert evaluate.finding(NotNull("id"), table="recent").holds


def test_rows_without_a_place_are_not_moved(lite: Lite) -> None:
    lite.sql("CREATE TABLE orders (id INTEGER PRIMARY KEY, n TEXT) WITHOUT ROWID")
    with pytest.raises(ConfigurationError, match="ordinary table only"):
        Evaluation(lite)(NotNull("n"), quarantine=ALL)


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_no_row_of_another_table_goes_along(postgres_database: Postgres, action: str) -> None:
    postgres_database.sql(f"""
        CREATE TABLE orders (id int PRIMARY KEY, price int); CREATE TABLE lines (order_id int);
        ALTER TABLE lines ADD FOREIGN KEY (order_id) REFERENCES orders ON DELETE {action}
    """)
    postgres_database.sql("INSERT INTO orders VALUES (1, -1)")
    postgres_database.sql("INSERT INTO lines VALUES (1)")
    check = InRange("price", min=0)
    with pytest.raises(ConfigurationError, match="would change lines") as raised:
        Evaluation(postgres_database)(check, quarantine=ALL)
    print(raised.value)
    assert raised.value.where == f"connection {postgres_database.conn_id}, table orders"
    assert "NO ACTION" in raised.value.fix
    assert postgres_database.sql("SELECT count(*) FROM orders, lines") == [(1,)]


def test_a_row_that_another_refers_to_stays_with_all_others(postgres_database: Postgres) -> None:
    postgres_database.sql("""
        CREATE TABLE orders (id int PRIMARY KEY, price int);
        INSERT INTO orders VALUES (1, -1), (2, -1);
        CREATE TABLE lines (order_id int REFERENCES orders); INSERT INTO lines VALUES (1)
    """)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="lines"):
        Evaluation(postgres_database)(InRange("price", min=0), quarantine=ALL)
    assert postgres_database.sql("SELECT count(*), to_regclass('bad') FROM orders") == [(2, None)]


def test_a_trigger_that_keeps_a_row_undoes_the_move(postgres_database: Postgres) -> None:
    postgres_database.sql("""
        CREATE TABLE orders (id int, price int); INSERT INTO orders VALUES (1, -1), (2, -1);
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF OLD.id = 1 THEN RETURN NULL; END IF; RETURN OLD; END $$;
        CREATE TRIGGER keep BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION keep()
    """)
    with pytest.raises(DataError, match=r"of 2 bad rows 2 would be .* and 1 be deleted") as raised:
        Evaluation(postgres_database)(InRange("price", min=0), quarantine=ALL)
    print(raised.value)
    assert raised.value.where == "tables orders and bad"
    assert "trigger" in raised.value.fix
    assert postgres_database.sql("SELECT count(*), to_regclass('bad') FROM orders") == [(2, None)]


def test_tasks_side_by_side_move_each_row_once(postgres_database: Postgres) -> None:
    postgres_database.sql("""
        CREATE TABLE orders (id int, part int);
        INSERT INTO orders SELECT i % 50, i % 4 FROM generate_series(1, 2000) i
    """)
    moved: list[int] = []

    def move(part: int) -> None:
        verdict = Evaluation(postgres_database)(
            Unique("id"), where="part = :part", parameters={"part": part}, quarantine=ALL
        )
        moved.append(verdict.moved)

    threads = [threading.Thread(target=move, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ((bad, good),) = postgres_database.sql(
        "SELECT (SELECT count(*) FROM bad), (SELECT count(*) FROM orders)"
    )
    print(moved, bad, good)
    assert (len(moved), sum(moved), bad + good) == (4, bad, 2000)
    assert good == 4 * 25


PROGRAM = """
import sys
from datetime import UTC, datetime
sys.path[:0] = {path}
from tests.operators.quality.conftest import Evaluation
from updraft.quality import NotNull, Quarantine
class Database: conn_id = {conn_id!r}
Evaluation(Database)(NotNull("id"), quarantine=Quarantine("bad", max_ratio=1))
"""


@pytest.mark.parametrize("held", ["orders", "bad"])
def test_a_task_killed_while_it_moves_leaves_all_as_it_was(
    postgres_database: Postgres, held: str
) -> None:
    postgres_database.sql("""
        CREATE TABLE orders (id int, n int);
        INSERT INTO orders SELECT nullif(i % 3, 0), i FROM generate_series(1, 300) i;
        CREATE TABLE bad (id int, n int, quarantine_reason text, quarantine_run_id text,
            quarantine_time timestamptz)
    """)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    before = rows(postgres_database, "orders", "id, n")
    program = PROGRAM.format(path=json.dumps(sys.path), conn_id=postgres_database.conn_id)
    # Whoever holds the lock keeps the task from going on: before it looks, or when it writes.
    mode = {"orders": "ROW EXCLUSIVE", "bad": "SHARE"}[held]
    with psycopg.connect(postgres_database.uri) as holder:
        holder.execute(f"LOCK TABLE {held} IN {mode} MODE")
        task = subprocess.Popen([sys.executable, "-c", program], cwd=Path.cwd())
        try:
            wait_for(lambda: postgres_database.sql(waiting) == [(1,)], 60, "the task to wait")
        finally:
            os.kill(task.pid, signal.SIGKILL)
            task.wait(30)
    others = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
    alone = f"{others} current_database()"
    wait_for(lambda: postgres_database.sql(alone) == [(0,)], 60, "the server to see the end")
    assert rows(postgres_database, "orders", "id, n") == before
    assert postgres_database.sql("SELECT count(*) FROM bad") == [(0,)]
    verdict = Evaluation(postgres_database)(NotNull("id"), quarantine=ALL)
    after = rows(postgres_database, "orders", "id, n") + rows(postgres_database, "bad", "id, n")
    print(f"killed with {held} locked; then moved {verdict.moved}")
    assert (verdict.moved, after) == (100, before)


@pytest.mark.usefixtures("filled")
def test_checks_of_the_table_are_evaluated_on_what_stays(gate: Callable[..., Any]) -> None:
    query = CustomSql("SELECT count(*) FROM orders WHERE price < 0")
    checks = [*CHECKS, RowCount(min=4, max=4), query]
    done = gate(*checks, quarantine=ALL)
    assert done.state == "success"
    assert {each["check"]: each["observed"] for each in done.value}["row_count"] == 4
    assert {each["check"]: each["observed"] for each in done.value}["custom_sql"] == 0


@pytest.mark.usefixtures("filled")
def test_a_warning_moves_nothing(orders: Database, gate: Callable[..., Any]) -> None:
    done = gate(InRange("price", min=0, severity="warn"), NotNull("id"), quarantine=ALL)
    print(orders.sql("SELECT * FROM bad"))
    assert done.state == "success"
    assert [each["result"] for each in done.value] == ["warned", "passed"]
    assert rows(orders, "bad", "quarantine_reason") == Counter([("not_null(id)",)])
