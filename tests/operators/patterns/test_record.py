"""What a batch writes is there once, however often and wherever its task was tried."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, get_current_context, task

from tests.waiting import wait_for
from updraft.errors import ConfigurationError
from updraft.patterns import Batch, batches, process_batch, record_once
from updraft.testing.postgres import Database
from updraft.testing.results import RunResult

LEDGER = "CREATE TABLE ledger (run_id text, batch integer, item integer, note text)"


@pytest.fixture
def ledger(postgres_database: Database) -> Database:
    postgres_database.sql(LEDGER)
    return postgres_database


def rows(*items: int) -> list[dict[str, Any]]:
    return [{"item": item, "note": f"für {item}"} for item in items]


def items(database: Database) -> list[Any]:
    return [row[0] for row in database.sql("SELECT item FROM ledger ORDER BY item")]


def test_a_retry_replaces_what_the_first_try_wrote(ledger: Database) -> None:
    key = {"run_id": "r", "batch": 1}
    record_once(ledger.conn_id, "ledger", rows(7), key={"run_id": "r", "batch": 2})
    assert record_once(ledger.conn_id, "ledger", rows(1, 2, 3), key=key) == 3
    assert record_once(ledger.conn_id, "public.ledger", rows(3, 4), key=key) == 2
    found = ledger.sql("SELECT * FROM ledger ORDER BY item")
    print(found)
    assert found == [("r", 1, 3, "für 3"), ("r", 1, 4, "für 4"), ("r", 2, 7, "für 7")]
    assert record_once(ledger.conn_id, "ledger", [], key=key) == 0
    assert items(ledger) == [7]


def test_a_failure_halfway_leaves_what_was_there(ledger: Database) -> None:
    key = {"run_id": "r", "batch": 1}
    record_once(ledger.conn_id, "ledger", rows(1, 2), key=key)
    with pytest.raises(Exception, match="out of range"):
        record_once(ledger.conn_id, "ledger", rows(3, 10**12), key=key)
    assert items(ledger) == [1, 2]


def test_two_tries_at_once_do_not_double(ledger: Database) -> None:
    """The first, which Airflow has given up, commits while the second waits for its lock."""
    key = {"run_id": "r", "batch": 1}
    import psycopg  # noqa: PLC0415 -- as updraft.testing does

    with psycopg.connect(ledger.uri) as blocker:
        # While this lock lasts, no try gets beyond its DELETE.
        blocker.execute("LOCK TABLE ledger IN SHARE ROW EXCLUSIVE MODE")
        tries = [
            threading.Thread(
                target=record_once, args=(ledger.conn_id, "ledger", rows(1, 2)), kwargs={"key": key}
            )
            for _ in range(3)
        ]
        for each in tries:
            each.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_for(lambda: ledger.sql(waiting)[0][0] == 3, 20, "three tries that wait")
        events = ledger.sql(
            "SELECT wait_event FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
    for each in tries:
        each.join(20)
    print(sorted(events), items(ledger))
    assert sorted(events) == [("advisory",), ("advisory",), ("relation",)]
    assert items(ledger) == [1, 2]


def test_other_keys_do_not_wait_for_each_other(ledger: Database) -> None:
    import psycopg  # noqa: PLC0415 -- as above

    record_once(ledger.conn_id, "ledger", rows(1), key={"run_id": "r", "batch": 1})
    held = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
    with psycopg.connect(ledger.uri) as blocker:
        blocker.execute(held, ('["ledger", [["batch", 1], ["run_id", "r"]]]',))
        record_once(ledger.conn_id, "ledger", rows(2), key={"run_id": "r", "batch": 2})
    assert items(ledger) == [1, 2]


def test_any_name_that_the_database_takes_is_written(postgres_database: Database) -> None:
    postgres_database.sql('CREATE TABLE "bestellte %s" ("100 % ""wahr""" text, "für" text)')
    record_once(
        postgres_database.conn_id, '"bestellte %s"', [{'100 % "wahr"': "50 %s"}], key={"für": "a"}
    )
    found = postgres_database.sql('SELECT * FROM "bestellte %s"')
    print(found)
    assert found == [("50 %s", "a")]


def test_names_can_not_become_sql(ledger: Database) -> None:
    with pytest.raises(ConfigurationError, match="not the name of a table"):
        record_once(ledger.conn_id, "ledger; DROP TABLE ledger", rows(1), key={"batch": 1})
    with pytest.raises(Exception, match="does not exist"):
        record_once(ledger.conn_id, "ledger", [{'item") --': 1}], key={"batch": 1})
    with pytest.raises(Exception, match="does not exist"):
        record_once(ledger.conn_id, "ledger", rows(1), key={'batch" = 1 OR "item': 1})
    assert items(ledger) == []


@pytest.mark.parametrize("key", [{}, {"run_id": None}, {"run_id": "r", "batch": None}])
def test_a_key_that_says_nothing_is_refused(ledger: Database, key: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="does not say whose rows") as caught:
        record_once(ledger.conn_id, "ledger", rows(1), key=key)
    print(caught.value)
    assert caught.value.fix


def test_rows_of_different_columns_are_refused_before_anything_changes(ledger: Database) -> None:
    key = {"batch": 1}
    record_once(ledger.conn_id, "ledger", rows(1), key=key)
    with pytest.raises(ConfigurationError, match="the same columns"):
        record_once(ledger.conn_id, "ledger", [{"item": 2}, {"note": "x"}], key=key)
    assert items(ledger) == [1]


def test_columns_in_another_order_are_the_same_columns(ledger: Database) -> None:
    given = [{"item": 1, "note": "a"}, {"note": "b", "item": 2}]
    record_once(ledger.conn_id, "ledger", given, key={"batch": 1})
    assert ledger.sql("SELECT item, note FROM ledger ORDER BY item") == [(1, "a"), (2, "b")]


def test_sqlite_records_once_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ledger.db"
    connection_of = {"conn_type": "sqlite", "host": str(file)}
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", json.dumps(connection_of))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(LEDGER)
    for _ in range(2):
        assert record_once("ledger", "ledger", rows(1, 2), key={"run_id": "r", "batch": 1}) == 2
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT * FROM ledger ORDER BY item").fetchall()
    print(found)
    assert found == [("r", 1, 1, "für 1"), ("r", 1, 2, "für 2")]


def test_each_item_of_a_run_is_recorded_once_though_pods_are_tried_again(
    ledger: Database, run_dag: Callable[[Any], RunResult]
) -> None:
    conn_id = ledger.conn_id
    with DAG("records_once", schedule=None) as dag:

        @task
        def plan() -> list[Batch[int]]:
            return batches(range(2000), pods=8)

        @task(retries=2)
        def work(batch: Batch[int]) -> None:
            context = get_current_context()
            done = process_batch(batch, lambda item: {"item": item, "note": ""})
            key = {"run_id": context["run_id"], "batch": batch["number"]}
            record_once(conn_id, "ledger", done, key=key)
            if context["ti"].try_number <= batch["number"] % 3:
                raise ConnectionError("lost after the work was done")

        work.expand(batch=plan())
    run = run_dag(dag)
    print(sorted(run.tries.items()))
    assert run.state == "success"
    assert sum(run.tries.values()) == 1 + 8 + 7  # the plan, the batches, the further tries
    assert items(ledger) == list(range(2000))
