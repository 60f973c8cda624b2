"""Locks of the databases, by which a test stops a transfer where it wants to."""

# ruff: noqa: S608 -- a test's own names
from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.waiting import wait_for
from updraft.testing.postgres import Database

# The row of the source that waits.
STOP = 1_500
GATE = 7
# A row of the source, and a commit into the target, that pass only while the gate is open.
GATES = f"""
    CREATE VIEW gated AS SELECT * FROM orders WHERE
        CASE WHEN id = {STOP} THEN pg_advisory_xact_lock_shared({GATE})::text IS NOT NULL
        ELSE true END;
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER waits AFTER INSERT OR UPDATE ON orders
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
"""


@contextmanager
def held(database: Database, statement: str) -> Iterator[None]:
    """Hold a lock for as long as the block lasts."""
    with psycopg.connect(database.uri) as connection:
        connection.execute(statement.encode())
        yield
        connection.rollback()


def waiting(database: Database, event: str, query: str = "") -> bool:
    """Whether a session of the database waits for a lock."""
    found = database.sql(
        "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event = %s AND query LIKE %s",
        event,
        f"%{query}%",
    )
    return bool(found)


def others(database: Database) -> list[tuple[Any, ...]]:
    """Sessions of the database beside the one that asks."""
    return database.sql(
        "SELECT state, query FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )


@contextmanager
def when_blocked(
    aside: ThreadPoolExecutor,
    database: Database,
    then: Callable[[], Any],
    *,
    then_open: bool = False,
) -> Iterator[None]:
    """Do something as soon as a transfer waits at the database's gate.

    Args:
        aside: Where to wait for that.
        database: Whose gate is closed.
        then: What to do.
        then_open: Whether to let the transfer go on afterwards.
    """
    with psycopg.connect(database.uri) as gate:
        gate.execute(f"SELECT pg_advisory_lock({GATE})".encode())

        def watch() -> None:
            opens = True  # also where this fails, lest the transfer waits for ever
            try:
                wait_for(lambda: waiting(database, "advisory"), 30, "the transfer to wait")
                then()
                opens = then_open
            finally:
                if opens:
                    gate.execute(f"SELECT pg_advisory_unlock({GATE})".encode())

        future = aside.submit(watch)
        yield
        future.result(30)
