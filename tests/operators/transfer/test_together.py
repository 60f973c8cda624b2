"""Transfers beside others: two at once, a lost session, a task that is told to stop."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from time import monotonic
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import pytest
from airflow.providers.postgres.hooks.postgres import PostgresHook

from tests.operators.transfer.conftest import Move, rows
from tests.operators.transfer.locks import GATE, GATES, held, others, waiting, when_blocked
from tests.operators.transfer.test_modes import WHOLE
from tests.waiting import wait_for
from updraft import sql
from updraft.errors import TransientError
from updraft.testing.postgres import Database
from updraft.transfer.failures import told
from updraft.transfer.interval import Interval
from updraft.transfer.move import Moved, Transfer
from updraft.transfer.sessions import Sessions
from updraft.transfer.source import Source


def run(mode: Any) -> Moved:
    options = WHOLE[mode]
    interval = None
    if mode == "append":
        interval = Interval(
            options["interval_column"], options["interval_start"], options["interval_end"]
        )
    source = Source(sql.sql_hook("shop"), sql.TableName("orders"))
    hook, table, keys = sql.sql_hook("warehouse"), sql.TableName("orders"), options.get("keys", ())
    sessions = Sessions()
    try:
        return Transfer(source, hook, table, mode, keys, interval).run(sessions)
    finally:
        sessions.close_all()


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
@pytest.mark.parametrize("mode", WHOLE)
def test_two_at_once_give_the_target_of_one(
    mode: str, isolation: str, shop: Database, warehouse: Database, aside: ThreadPoolExecutor
) -> None:
    warehouse.sql("ALTER TABLE orders DROP CONSTRAINT orders_pkey")  # it would hide doubles
    warehouse.sql("CREATE UNIQUE INDEX one ON orders (id)" if mode == "upsert" else "SELECT 1")
    warehouse.sql(
        f"ALTER DATABASE {warehouse.name} SET default_transaction_isolation TO '{isolation}'"
    )
    with held(warehouse, "LOCK TABLE orders IN ROW EXCLUSIVE MODE"):
        both = [aside.submit(run, mode) for _ in range(2)]
        wait_for(lambda: len(others(warehouse)) == 3, 30, "both to have staged their rows")
        wait_for(
            lambda: (
                warehouse.sql(
                    "SELECT count(*) FROM pg_locks"
                    " WHERE NOT granted AND mode = 'ShareRowExclusiveLock'"
                )
                == [(2,)]
            ),
            30,
            "both to wait for the lock",
        )
    moved = [each.result(30) for each in both]
    print(moved)
    assert [each.rows for each in moved] == [6, 6]
    assert rows(warehouse) == rows(shop)


def end_sessions(database: Database, query: str) -> None:
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE %s AND pid <> pg_backend_pid()",
        query,
    )


@pytest.fixture
def gated(shop: Database, warehouse: Database) -> None:
    shop.sql(GATES.replace("1500", "5"))
    warehouse.sql(GATES)
    warehouse.sql("INSERT INTO orders VALUES (1, 'stale')")


@pytest.mark.usefixtures("gated")
def test_a_task_told_to_stop_leaves_nothing_running_and_the_target_as_it_was(
    shop: Database, warehouse: Database, move: Move, aside: ThreadPoolExecutor
) -> None:
    before = rows(warehouse)
    for database, table in ((shop, "gated"), (warehouse, "orders")):
        with when_blocked(aside, database, lambda: os.kill(os.getpid(), signal.SIGTERM)):
            result = move(mode="replace", source_table=table)
            assert result.state != "success"
            assert type(result.error).__name__ in ("TransientError", "SourceUnavailableError")
            assert "cancel" in str(result.error)
            # The gate is still closed: what waited there was ended, not let through.
            assert not waiting(database, "advisory")
        wait_for(lambda: not others(shop) and not others(warehouse), 10, "the sessions to end")
        assert rows(warehouse) == before


@pytest.mark.usefixtures("gated")
def test_a_lost_session_is_worth_a_retry_and_changes_nothing(
    shop: Database, warehouse: Database, move: Move, aside: ThreadPoolExecutor
) -> None:
    before = rows(warehouse)
    for database, table, query, error in (
        (shop, "gated", "COPY%", "SourceUnavailableError"),
        (warehouse, "orders", "COMMIT%", "TransientError"),
    ):
        with when_blocked(aside, database, partial(end_sessions, database, query)):
            result = move(mode="replace", source_table=table)
        assert type(result.error).__name__ == error
        assert f"connection {database.conn_id}" in str(result.error)
        assert rows(warehouse) == before


@pytest.mark.usefixtures("lite")
def test_sqlite_is_told_to_stop_too(aside: ThreadPoolExecutor) -> None:
    sessions = Sessions()
    connection = sessions.open(sql.sql_hook("lite"))
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    begun, end = Event(), monotonic() + 20

    def still() -> bool:
        begun.set()
        return monotonic() > end  # then SQLite ends it, lest a failing test runs for ever

    def stop() -> None:
        begun.wait(20)
        sessions.cancel()

    connection.set_progress_handler(still, 1_000)
    aside.submit(stop)
    with pytest.raises(TransientError, match="interrupted"), told("lite"):
        connection.execute(endless)
    assert monotonic() < end
    with pytest.raises(TransientError, match="cancelled"):
        sessions.check()
    with pytest.raises(TransientError, match="cancelled"):
        sessions.open(sql.sql_hook("lite"))
    sessions.close_all()


def test_another_driver_is_told_to_stop_in_its_own_way(
    postgres_database: Database, aside: ThreadPoolExecutor
) -> None:
    class Other(PostgresHook):
        def get_conn(self) -> Any:
            return psycopg2.connect(postgres_database.uri)

    sessions = Sessions()
    connection = sessions.open(Other(postgres_database.conn_id))
    gone = sessions.open(Other(postgres_database.conn_id))
    gone.close()
    with held(postgres_database, f"SELECT pg_advisory_lock({GATE})"):
        running = aside.submit(connection.cursor().execute, f"SELECT pg_advisory_lock({GATE})")
        wait_for(lambda: waiting(postgres_database, "advisory"), 30, "the statement to wait")
        sessions.cancel()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            running.result(30)
    sessions.close_all()
