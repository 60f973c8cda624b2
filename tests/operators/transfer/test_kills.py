"""A transfer killed at any point leaves the target as before or as after, and a retry mends it."""

# ruff: noqa: S608 -- a test's own names
from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import pytest
from airflow.sdk.execution_time.context import OutletEventAccessors

from tests.operators.transfer.conftest import Move, rows
from tests.operators.transfer.locks import GATE, GATES, STOP, held, others, waiting
from tests.operators.transfer.test_modes import WHOLE
from tests.waiting import wait_for
from updraft.testing.postgres import Database
from updraft.transfer import CustomDataOperator

# Enough for the source's server to have sent some before it stops at the row below.
MANY = 2_000
Block = Callable[[Database, Database], Any]


@pytest.fixture(autouse=True)
def many(shop: Database, warehouse: Database) -> None:
    """A source of many orders, and a target with some stale ones."""
    shop.sql(
        "INSERT INTO orders SELECT g, 'customer ' || g, g, timestamptz '2026-03-01', null"
        f" FROM generate_series(7, {MANY}) g"
    )
    for database in (shop, warehouse):
        database.sql(GATES)
    warehouse.sql(
        "INSERT INTO orders SELECT g, 'stale', 0, timestamptz '2026-03-01', null"
        " FROM generate_series(1, 100) g"
    )


def copied(warehouse: Database) -> bool:
    [(count,)] = warehouse.sql(
        "SELECT coalesce(max(tuples_processed), 0) FROM pg_stat_progress_copy"
    )
    return bool(0 < count < STOP)


def execute(options: dict[str, Any], pipe: Connection) -> None:
    """What the killed process does: the operator, and then nothing more."""
    operator: Any = CustomDataOperator(
        task_id="move",
        source_conn_id="shop",
        target_conn_id="warehouse",
        source_table="gated",
        target_table="orders",
        **options,
    )
    operator.execute.__wrapped__(operator, {"outlet_events": OutletEventAccessors()})
    pipe.send("done")
    pipe.recv()


@contextmanager
def started(options: dict[str, Any]) -> Iterator[tuple[Any, Connection]]:
    """Run the operator in a process of its own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=execute, args=(options, theirs), daemon=True)
    process.start()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join(10)


# Where a process is killed: who holds which lock, and how to see that it got there.
POINTS: dict[str, tuple[str, str, Block]] = {
    "before staging": (
        "shop",
        "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE",
        lambda shop, _: waiting(shop, "relation", "WHERE 1 = 0"),
    ),
    "in the middle of the COPY": (
        "shop",
        f"SELECT pg_advisory_lock({GATE})",
        lambda shop, warehouse: waiting(shop, "advisory", "COPY") and copied(warehouse),
    ),
    "after staging": (
        "warehouse",
        "LOCK TABLE orders IN ROW EXCLUSIVE MODE",
        lambda _, warehouse: waiting(warehouse, "relation", "LOCK TABLE"),
    ),
    "before the commit": (
        "warehouse",
        f"SELECT pg_advisory_lock({GATE})",
        lambda _, warehouse: waiting(warehouse, "advisory", "COMMIT"),
    ),
    "after the commit": ("warehouse", "SELECT 1", lambda *_: True),
}


@pytest.mark.parametrize("mode", WHOLE)
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_transfer_leaves_all_or_nothing_and_a_retry_gives_the_source(
    point: str, mode: str, shop: Database, warehouse: Database, move: Move
) -> None:
    before, wanted = rows(warehouse), rows(shop)
    where, lock, reached = POINTS[point]
    with held({"shop": shop, "warehouse": warehouse}[where], lock), started(WHOLE[mode]) as child:
        process, pipe = child
        if point == "after the commit":
            assert pipe.poll(30), "the transfer has not ended"
        wait_for(lambda: reached(shop, warehouse), 30, f"the transfer to be {point}")
        # A reader isn't kept waiting, and sees nothing of a change that is not committed.
        seen = rows(warehouse)
        assert seen == (wanted if point == "after the commit" else before)
        assert process.is_alive()
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
        assert process.exitcode == -signal.SIGKILL
    wait_for(lambda: not others(shop) and not others(warehouse), 30, "the sessions to end")
    left = rows(warehouse)
    print(f"{mode}, killed {point}: {len(left)} rows, {'as before' if left == before else 'all'}")
    assert left in (before, wanted)
    result = move(source_table="gated", **WHOLE[mode])
    assert result.state == "success", result.error
    assert rows(warehouse) == wanted


def test_what_a_killed_transfer_runs_ends_by_itself(warehouse: Database, shop: Database) -> None:
    _, lock, reached = POINTS["after staging"]
    with held(warehouse, lock), started(WHOLE["replace"]) as (process, _):
        wait_for(lambda: reached(shop, warehouse), 30, "the transfer to wait for the lock")
        process.kill()
        process.join(10)
        # The lock it waits for is still held, by this test's only other session.
        wait_for(lambda: len(others(warehouse)) == 1, 15, "its statement to end")
        assert not waiting(warehouse, "relation")
    assert len(rows(warehouse)) == 100
