"""Poison records are put aside, the rest is processed, and a retry leaves none of them twice."""

from __future__ import annotations

import contextvars
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from updraft.deadletter import DeadLetterTable
from updraft.errors import ConfigurationError, PoisonRecordError, TransientError
from updraft.poison import PoisonRecord, Tolerance, process_batches, process_each
from updraft.retries import RetryTransient

POLICY = RetryTransient(first_delay=timedelta(seconds=1))


class Does(BaseOperator):
    """Does what it is given."""

    def __init__(self, *, action: Callable[[], object], **options: Any) -> None:
        super().__init__(**options)
        self.action = action

    def execute(self, context: Any) -> Any:  # noqa: ARG002 -- Airflow's
        """Do it."""
        return self.action()


def number(text: Any) -> int:
    return int(text)


def test_the_rest_is_processed_in_order_and_each_culprit_has_its_place_and_error() -> None:
    done = process_each(["1", "x", "3", [], "5"], number, Tolerance(2))
    print(done)
    assert done.values == [1, 3, 5]
    assert done.count == 3
    assert [(each.position, each.record) for each in done.poison] == [(1, "x"), (3, [])]
    assert [type(each.error) for each in done.poison] == [ValueError, TypeError]


def test_a_batch_is_halved_down_to_its_culprits_at_the_cost_of_few_calls() -> None:
    calls = list[int]()

    def load(batch: list[int]) -> int:
        calls.append(len(batch))
        if 700 in batch or 123 in batch:
            raise ValueError("bad")
        return len(batch)

    done = process_batches(range(2500), load, batch_size=1024)
    print(f"{len(calls)} calls, values {done.values}")
    assert done.count == sum(done.values) == 2498
    assert [(each.position, each.record) for each in done.poison] == [(123, 123), (700, 700)]
    assert len(calls) <= 3 + 2 * 2 * 10


def test_one_too_many_ends_it_at_once_and_names_examples() -> None:
    read = list[int]()

    def records() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    def fails(number: int) -> None:
        raise ValueError(f"not {number}")

    with pytest.raises(PoisonRecordError) as caught:
        process_each(records(), fails, Tolerance(max_records=4))
    print(caught.value, read)
    assert "more than 4 records" in caught.value.what
    assert "record 0 0: ValueError: not 0" in caught.value.what
    assert len(read) == 5


@pytest.mark.parametrize(("bad", "passes"), [(0, True), (1, True), (2, False)])
def test_the_ratio_counts_in_the_end(bad: int, passes: bool) -> None:
    records = ["x"] * bad + ["1"] * (10 - bad)
    if passes:
        assert process_each(records, int, Tolerance(max_ratio=0.1)).count == 10 - bad
        return
    with pytest.raises(PoisonRecordError, match=r"2 of 10 records, more than 10.0%"):
        process_each(records, int, Tolerance(max_ratio=0.1))


def test_no_records_are_no_mistake() -> None:
    assert process_each([], int, Tolerance(max_records=0, max_ratio=0)).count == 0


@pytest.mark.parametrize(
    "error",
    [
        TransientError("down"), ConnectionResetError(), ConfigurationError("wrong"),
        AirflowFailException("enough"), AirflowSkipException("nothing to do"), NameError("typo"),
        MemoryError(), KeyboardInterrupt(),
    ],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
@pytest.mark.parametrize("by_batch", [True, False])
def test_what_is_not_the_records_fault_is_raised(error: BaseException, by_batch: bool) -> None:
    def fails(_: object) -> None:
        raise error

    process = partial(process_batches, batch_size=2) if by_batch else process_each
    with pytest.raises(type(error)):
        process([1, 2], fails)


@pytest.mark.parametrize("limits", [{"max_records": -1}, {"max_ratio": -0.1}, {"max_ratio": 1.1}])
def test_limits_that_no_run_can_keep_are_refused_when_the_dag_is_parsed(limits: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Tolerance(**limits)
    print(caught.value)


def test_an_empty_batch_and_a_name_of_no_table_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="a batch of 0 records"):
        process_batches([1], print, batch_size=0)
    with pytest.raises(ConfigurationError, match="not the name of a table"):
        DeadLetterTable("warehouse", "poison; DROP TABLE orders")


def test_a_line_of_the_log_stays_short_however_long_the_record(
    caplog: pytest.LogCaptureFixture,
) -> None:
    process_each(["x" * 100_000], int)
    (line,) = [message for message in caplog.messages if "Put aside" in message]
    print(line)
    assert len(line) < 500
    assert "record 0 'xxx" in line
    assert "ValueError" in line


@pytest.fixture
def orders(postgres_database: Any) -> Any:
    postgres_database.sql(
        "CREATE TABLE orders (id int PRIMARY KEY, amount numeric CHECK (amount > 0))"
    )
    return postgres_database


def loader(database: Any, table: str = "orders") -> Callable[[list[tuple[Any, Any]]], int]:
    """What inserts a batch in one transaction."""
    import psycopg  # noqa: PLC0415 -- only here

    def load(batch: list[tuple[Any, Any]]) -> int:
        with psycopg.connect(database.uri) as connection, connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s)".encode(), batch)  # noqa: S608
        return len(batch)

    return load


ROWS = [(1, "10"), (2, "ten"), (1, "11"), (3, "-1"), (4, "12"), (None, "1"), (5, "13")]


def test_a_databases_refusal_of_a_row_is_the_rows_fault(orders: Any) -> None:
    done = process_batches(ROWS, loader(orders), batch_size=4)
    print([str(each) for each in done.poison])
    assert orders.sql("SELECT id FROM orders ORDER BY id") == [(1,), (4,), (5,)]
    assert [each.position for each in done.poison] == [1, 2, 3, 5]


def test_a_databases_refusal_of_the_statement_is_raised_at_the_first_row(orders: Any) -> None:
    import psycopg  # noqa: PLC0415 -- only here

    with pytest.raises(psycopg.errors.UndefinedTable):
        process_batches(ROWS, loader(orders, "nowhere"))
    with psycopg.connect(orders.uri) as connection:

        def in_one_transaction(row: tuple[Any, Any]) -> None:
            connection.execute("INSERT INTO orders VALUES (%s, %s)", row)

        # The second row's is put aside; the third meets an aborted transaction, as all would.
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            process_each(ROWS, in_one_transaction)


def test_the_table_holds_a_tasks_records_once_after_a_retry(
    postgres_database: Any, run_dag: Callable[..., Any], tmp_path: Path
) -> None:
    letters, attempt = postgres_database, tmp_path / "attempt"
    tolerance = Tolerance(dead_letter=DeadLetterTable(letters.conn_id, "poison"))
    with DAG("shop", schedule=None) as dag:

        @task(retries=1, retry_policy=POLICY)
        def load(page: int) -> int:
            file = attempt.with_suffix(f".{page}")
            first = not file.exists()
            file.touch()
            records = [f"{page}1", f"{page}x", *(["y"] if first else []), f"{page}2"]
            done = process_each(records, int, tolerance)
            if first:
                raise TransientError("lost after the records were kept")
            return done.count

        load.expand(page=[1, 2, 3])
    run = run_dag(dag)
    rows = letters.sql(
        "SELECT dag_id, task_id, map_index, position, record, error_type FROM poison ORDER BY 3, 4"
    )
    print(run.tries, *rows, sep="\n")
    assert run.xcom("load") == [2, 2, 2]
    assert list(run.tries.values()) == [2, 2, 2]
    expected = [(index, 1, f'"{index + 1}x"') for index in range(3)]
    assert [row[2:5] for row in rows] == expected
    assert {row[:2] for row in rows} == {("shop", "load")}
    assert letters.sql(
        "SELECT count(DISTINCT run_id), min(kept_at) > now() - interval '5 minutes' FROM poison"
    )[0] == (1, True)
    run_dag(dag)
    assert letters.sql("SELECT count(*), count(DISTINCT run_id) FROM poison") == [(6, 2)]


def test_too_many_fail_the_task_without_another_try_and_are_kept_all_the_same(
    postgres_database: Any, run_operator: Callable[..., Any], statsd: Any
) -> None:
    tolerance = Tolerance(max_records=1, dead_letter=DeadLetterTable(postgres_database.conn_id))
    operator = Does(
        task_id="load",
        action=lambda: process_each(["1", "x", "y", "2"], int, tolerance),
        retries=3,
        retry_policy=POLICY,
    )
    result = run_operator(operator)
    rows = postgres_database.sql("SELECT position, record FROM poison_records ORDER BY 1")
    print(result.error, rows, statsd.lines("updraft.poison.records"))
    assert result.state == "failed"
    assert isinstance(result.error, PoisonRecordError)
    assert result.error.where == f"table poison_records of connection {postgres_database.conn_id}"
    assert rows == [(1, '"x"'), (2, '"y"')]
    (line,) = statsd.lines("updraft.poison.records")
    assert line.endswith(":2|c")
    assert {"dag_id=test_load", "task_id=load"} <= set(line.split(":")[0].split(","))


def test_a_wrong_connection_is_told_before_the_first_record(
    run_operator: Callable[..., Any],
) -> None:
    seen = list[object]()
    tolerance = Tolerance(dead_letter=DeadLetterTable("no-such-connection"))
    action = lambda: process_each([1], seen.append, tolerance)  # noqa: E731
    result = run_operator(Does(task_id="load", action=action, retries=3, retry_policy=POLICY))
    print(result.error)
    assert result.state == "failed"
    assert isinstance(result.error, ConfigurationError)
    assert result.error.where == "no-such-connection"
    assert seen == []


def test_any_record_can_be_kept_in_any_database(
    run_operator: Callable[..., Any], tmp_path: Path, postgres_database: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    records = [
        {"größe": "5 €", "nul": "a\0b"},
        "\ud800 half a pair",
        {1, 2},
        b"\xff",
        {(1, 2): 3},
        (Decimal("1.5"), date(2026, 3, 1)),
    ]

    def fails(record: object) -> None:
        raise ValueError(f"no\0 {record!r}")

    def run(conn_id: str) -> list[str]:
        table = DeadLetterTable(conn_id)
        operator = Does(
            task_id="load",
            action=lambda: [
                str(each)
                for each in process_each(records, fails, Tolerance(9, dead_letter=table)).poison
            ],
        )
        value: list[str] = run_operator(operator).value
        return value

    monkeypatch.setenv("AIRFLOW_CONN_LITE", f"sqlite:///{tmp_path}/letters.db")
    assert len(run("lite")) == len(run(postgres_database.conn_id)) == len(records)
    query = "SELECT record FROM poison_records ORDER BY position"
    with sqlite3.connect(tmp_path / "letters.db") as lite:
        kept = lite.execute(query).fetchall()
    print(kept)
    assert kept == postgres_database.sql(query)
    assert [text for (text,) in kept] == [
        '{"größe": "5 €", "nul": "a\\u0000b"}',
        '"\\ud800 half a pair"',
        '"{1, 2}"',
        "\"b'\\\\xff'\"",
        "{(1, 2): 3}",
        '["1.5", "2026-03-01"]',
    ]


def test_mapped_tasks_that_make_the_table_at_once_do_not_meet(
    postgres_database: Any, run_operator: Callable[..., Any]
) -> None:
    postgres_database.sql('CREATE SCHEMA "Kept"')
    table = DeadLetterTable(postgres_database.conn_id, '"Kept"."poison records"')

    def keep(position: int) -> None:
        get_current_context()["ti"].map_index = position
        table.keep([PoisonRecord(position, position, ValueError())])

    def action() -> None:
        with ThreadPoolExecutor(8) as pool:
            for each in [
                pool.submit(contextvars.copy_context().run, table.keep, []) for _ in range(8)
            ]:
                each.result()
        keep(5)

    result = run_operator(Does(task_id="load", action=action))
    rows = postgres_database.sql('SELECT map_index, record FROM "Kept"."poison records"')
    print(result.error, rows)
    assert result.state == "success"
    assert rows == [(5, "5")]


def test_a_table_that_can_not_be_made_is_told(
    postgres_database: Any, run_operator: Callable[..., Any]
) -> None:
    table = DeadLetterTable(postgres_database.conn_id, "nowhere.poison")
    result = run_operator(
        Does(task_id="load", action=lambda: table.keep([]), retries=3, retry_policy=POLICY)
    )
    print(result.error)
    assert result.state == "failed"
    assert "nowhere" in str(result.error)


def test_a_table_is_filled_by_a_task_alone() -> None:
    with pytest.raises(ConfigurationError, match="by a running task only"):
        process_each(["x"], int, Tolerance(dead_letter=DeadLetterTable("warehouse")))
