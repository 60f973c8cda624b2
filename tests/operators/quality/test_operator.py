"""What the operator tells XCom, log, metrics and UI; what it asks the server; how it ends."""

from __future__ import annotations

import logging
import os
import re
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from airflow.sdk import DAG, task

from tests.operators.quality.conftest import Database, Evaluation, Lite
from tests.waiting import wait_for
from updraft.errors import QualityError, TransientError
from updraft.quality import (
    AcceptedValues,
    CustomSql,
    DataQualityOperator,
    Fresh,
    InRange,
    NotNull,
    Quarantine,
    References,
    RowCount,
    RowCountChange,
    Unique,
)
from updraft.testing.postgres import Database as Postgres
from updraft.testing.postgres import Server

Gate = Callable[..., Any]
ROWS = """
    INSERT INTO orders VALUES (1, 7, 10, 'new', '2026-03-01 10:00:00'),
    (1, 7, 20, 'Ann Example, 12 High Street', '2026-03-01 11:00:00'), (NULL, 9, -5, 'new', NULL)
"""
QUERY = CustomSql("SELECT count(*) FROM orders WHERE price < :least", {"least": 0})


@pytest.fixture
def filled(orders: Database) -> Database:
    orders.sql(ROWS)
    return orders


@pytest.mark.usefixtures("filled")
def test_a_failed_task_names_each_check_that_does_not_hold(gate: Gate) -> None:
    done = gate(
        NotNull("id"),
        Unique("id", severity="warn"),
        InRange("price", min=0),
        RowCount(min=1),
        QUERY,
    )
    assert done.state == "failed"
    assert isinstance(done.error, QualityError)
    assert done.error.what == (
        "3 of 5 checks failed; not_null(id): 1 of 3 rows, expected no NULL; "
        "in_range(price): 1 of 3 rows, expected 0 <= value; "
        "custom_sql: 1, expected 0 offending rows"
    )
    assert done.error.where.endswith(", table orders")


def test_a_refused_quarantine_is_told_with_the_checks(filled: Database, gate: Gate) -> None:
    done = gate(NotNull("id"), RowCount(min=1), quarantine=Quarantine("bad"), where="1 = 1")
    assert isinstance(done.error, QualityError)
    assert done.error.what == (
        "1 of 2 checks failed; not_null(id): 1 of 3 rows, expected no NULL; "
        "the quarantine moves nothing: 1 bad rows of 3 are more than max_ratio 0.1"
    )
    assert done.error.where == f"connection {filled.conn_id}, table orders where 1 = 1"
    assert filled.sql("SELECT count(*) FROM orders") == [(3,)]


@pytest.mark.usefixtures("filled")
def test_results_are_plain_values_in_xcom_also_when_the_task_fails(gate: Gate) -> None:
    warned = gate(NotNull("id", severity="warn"), RowCount(max=9))
    assert warned.state == "success"
    assert warned.value == [
        {
            "check": "not_null(id)",
            "kind": "not_null",
            "columns": ["id"],
            "severity": "warn",
            "result": "warned",
            "observed": "1 of 3 rows",
            "expected": "no NULL",
            "offending": 1,
            "quarantined": 0,
        },
        {
            "check": "row_count",
            "kind": "row_count",
            "columns": [],
            "severity": "fail",
            "result": "passed",
            "observed": 3,
            "expected": "at most 9",
            "offending": None,
            "quarantined": 0,
        },
    ]
    failed = gate(NotNull("id", name="ids"), QUERY)
    assert failed.state == "failed"
    assert [(each["check"], each["result"]) for each in failed.value] == [
        ("ids", "failed"),
        ("custom_sql", "failed"),
    ]


@pytest.mark.usefixtures("filled")
def test_a_task_that_pushes_no_xcom_pushes_none(gate: Gate) -> None:
    for severity in ("warn", "fail"):
        done = gate(NotNull("id", severity=severity), do_xcom_push=False)
        assert dict(done.xcoms) == {}


def logged(caplog: pytest.LogCaptureFixture, text: str) -> str:
    """What the operator logged last that has a text in it."""
    found = [
        record.getMessage()
        for record in caplog.records
        if record.name == "updraft.quality.operator" and text in record.getMessage()
    ]
    print(*found, sep="\n")
    return found[-1]


def test_the_log_has_an_aligned_table(
    filled: Database, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "updraft.quality.operator")
    long = ["new", *(f"another status {number}" for number in range(9))]
    gate(
        NotNull("id", severity="warn"),
        AcceptedValues("status", long),
        RowCount(min=1),
        CustomSql("SELECT NULL", name="unknown"),
        quarantine=Quarantine("bad", max_ratio=1),
    )
    first, *lines = logged(caplog, "data quality").splitlines()
    assert first == f"data quality of orders ({filled.conn_id})"
    assert [re.split(r" {2,}", line) for line in lines] == [
        ["check", "severity", "result", "observed", "expected", "offending", "quarantined"],
        ["-" * width for width in (23, 8, 6, 11, 60, 9, 11)],
        ["not_null(id)", "warn", "warned", "1 of 2 rows", "no NULL", "1", "-"],
        [
            "accepted_values(status)",
            "fail",
            "passed",
            "2 rows",
            "one of 'new', 'another status 0', 'another status 1', 'anot…",
            "0",
            "1",
        ],
        ["row_count", "fail", "passed", "2", "at least 1", "-", "-"],
        ["unknown", "fail", "failed", "-", "0 offending rows", "-", "-"],
    ]
    starts = [match.start() for match in re.finditer("-+", lines[1])]
    aligned = [line[start - 1 : start] + line[start] for line in lines for start in starts[1:]]
    assert all(each[0] == " " != each[1] for each in aligned)
    assert logged(caplog, "moved") == "moved 1 rows to the quarantine bad"


@pytest.mark.usefixtures("filled")
def test_values_of_rows_are_shown_only_where_somebody_asks(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "updraft.quality.operator")
    checks = [NotNull("id"), Unique("id"), Unique(["id", "customer"]), RowCount(min=9)]
    checks += [AcceptedValues("status", ["old"]), InRange("price", min=0)]
    quiet = gate(*checks)
    assert "Ann" not in logged(caplog, "data quality") + str(quiet.error) + str(quiet.value)
    told = gate(*checks, samples=2, where="price <> 20 OR id = 1")
    lines = logged(caplog, "data quality").splitlines()[1:]
    shown = [re.split(r" {2,}", line)[7:] for line in lines]
    assert shown[0] == ["samples"]
    assert shown[2:6] == [[], ["1"], ["(1, 7)"], []]
    assert shown[6][0].count("new") + shown[6][0].count("Ann") == 2
    assert float(shown[7][0]) == -5
    assert "Ann" not in str(told.error) + str(told.value)


def test_each_result_is_counted(filled: Database, gate: Gate, statsd: Any) -> None:
    filled.sql("INSERT INTO orders (id, customer) VALUES (NULL, 7)")
    gate(
        NotNull("id"),
        Unique("customer", severity="warn"),
        RowCount(min=5),
        quarantine=Quarantine("bad", max_ratio=1),
        dag_id="of_metrics",
    )
    packets = [re.sub(r".*?updraft\.", "", line) for line in statsd.lines("")]
    found = sorted(each for each in packets if each.startswith("quality"))
    print(*found, sep="\n")
    of_task = "dag_id=of_metrics,task_id=gate"
    assert found == [
        f"quality.checks,{of_task},check=not_null,result=passed:1|c",
        f"quality.checks,{of_task},check=row_count,result=failed:1|c",
        f"quality.checks,{of_task},check=unique,result=warned:1|c",
        f"quality.quarantined,{of_task}:2|c",
    ]


def test_the_count_is_compared_with_those_of_earlier_runs(orders: Database, gate: Gate) -> None:
    dag_id = f"history_{orders.conn_id}"
    check = RowCountChange(tolerance=0.5, runs=3, min_runs=2)

    def run(day: int, rows: int, **options: Any) -> Any:
        orders.sql("DELETE FROM orders")
        orders.sql("; ".join(["INSERT INTO orders (id) VALUES (1)"] * rows))
        moment = datetime(2026, 1, day, tzinfo=UTC)
        done = gate(check, NotNull("id"), logical_date=moment, dag_id=dag_id, **options)
        return done.state, done.value[0]["expected"][:12], done.value[0]["counts"]

    assert run(1, 10) == ("success", "not known: 0", [10])
    assert run(2, 12) == ("success", "not known: 1", [10, 12])
    # Failed: its count is nothing to compare with.
    assert run(3, 30) == ("failed", "5.5 to 16.5 ", [10, 12])
    assert run(4, 14) == ("success", "5.5 to 16.5 ", [10, 12, 14])
    assert run(5, 16) == ("success", "6 to 18 rows", [10, 12, 14, 16])
    assert run(6, 18) == ("success", "7 to 21 rows", [12, 14, 16, 18])
    # A run of an earlier date knows nothing of what came after it.
    assert run(2, 11) == ("success", "not known: 1", [10, 11])


@pytest.mark.parametrize("returned", ["text", 7, [7, "text", {"check": "row_count_change"}]])
def test_what_the_task_returned_before_it_checked_is_no_history(
    orders: Database, gate: Gate, run_operator: Callable[..., Any], returned: Any
) -> None:
    @task(task_id="gate")
    def before() -> Any:
        return returned

    options = {"dag_id": f"before_{orders.conn_id}_{type(returned).__name__}"}
    run_operator(before(), logical_date=datetime(2026, 1, 1, tzinfo=UTC), **options)
    check = RowCountChange(tolerance=0, min_runs=1)
    done = gate(check, logical_date=datetime(2026, 1, 2, tzinfo=UTC), **options)
    assert (done.state, done.value[0]["counts"]) == ("success", [0])


def test_options_may_come_from_another_task(lite: Lite, run_dag: Callable[..., Any]) -> None:
    lite.sql("CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1), (2), (3)")
    with DAG("from_another", schedule=None) as dag:

        @task(multiple_outputs=True)
        def told() -> dict[str, Any]:
            return {"table": "orders", "where": "id < :id", "parameters": {"id": 3}, "min": 2}

        options: Any = told()
        DataQualityOperator(
            task_id="gate",
            conn_id="lite",
            table=options["table"],
            where=options["where"],
            parameters=options["parameters"],
            checks=[RowCount(min=options["min"], max=2), InRange("id", min=options["min"], max=9)],
        )
    done = run_dag(dag)
    assert done.states["gate", -1] == "failed"
    assert [each["observed"] for each in done.xcom("gate")] == [2, "1 of 2 rows"]


def test_an_item_of_a_mapped_task_has_a_history_of_its_own(
    lite: Lite, run_dag: Callable[..., Any]
) -> None:
    lite.sql("CREATE TABLE orders (part INTEGER); INSERT INTO orders VALUES (1), (2), (2)")
    for day in (1, 2):
        with DAG("mapped_history", schedule=None) as dag:

            @task
            def parts() -> list[dict[str, int]]:
                return [{"part": 1}, {"part": 2}]

            DataQualityOperator.partial(
                task_id="gate",
                conn_id="lite",
                table="orders",
                where="part = :part",
                checks=[RowCountChange(tolerance=0, min_runs=1)],
            ).expand(parameters=parts())
        done = run_dag(dag, logical_date=datetime(2026, 1, day, tzinfo=UTC))
        found = [results[0]["counts"] for results in done.xcom("gate")]
        print(done.states, found)
        assert found == [[1] * day, [2] * day]


def statements(log: str) -> list[list[str]]:
    """What each connection asked for, in the order of the connections."""
    begins = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[(\d+)\] (\w+): +(.*)$")
    found: dict[str, list[str]] = {}
    adding = False
    for line in log.splitlines():
        if match := begins.match(line):
            adding = match[2] == "LOG" and match[3].startswith(("statement:", "execute"))
            if adding:
                found.setdefault(match[1], []).append(match[3].partition(": ")[2])
        elif adding:
            found[match_of(found)][-1] += " " + line.strip()
    return list(found.values())


def match_of(found: dict[str, list[str]]) -> str:
    """The connection that asked last."""
    return next(reversed(found))


@pytest.fixture
def watched(postgres: Server, postgres_database: Postgres) -> Callable[[], list[list[str]]]:
    """What the server has been asked that concerns the orders, connection by connection."""
    postgres_database.sql("CREATE TABLE watched (id int, price int, status text, at timestamptz)")
    postgres_database.sql(
        "INSERT INTO watched SELECT i, i, 'new', now() FROM generate_series(1, 9) i"
    )
    postgres_database.sql("CREATE TABLE others (id int)")
    postgres_database.sql("INSERT INTO others SELECT generate_series(1, 9)")
    postgres_database.sql(f"ALTER DATABASE {postgres_database.name} SET log_statement = 'all'")

    start = len(postgres.log.read_text())

    def asked() -> list[list[str]]:
        found = [
            connection
            for connection in statements(postgres.log.read_text()[start:])
            if any('"watched"' in each and "pg_attribute" not in each for each in connection)
        ]
        for number, connection in enumerate(found):
            for each in connection:
                print(number, each[:150])
        return found

    return asked


EVERYTHING = (
    NotNull("id"),
    NotNull("status"),
    Unique("id"),
    Unique(["id", "status"]),
    InRange("price", min=0, max=10),
    AcceptedValues("status", ["new"]),
    References("id", "others", "id"),
    References("price", "others", "id"),
    RowCount(min=1),
    RowCountChange(tolerance=1),
    Fresh("at", timedelta(days=1)),
    CustomSql("SELECT count(*) FROM others WHERE id < :id", {"id": 0}),
)


def test_all_checks_are_one_statement(
    watched: Callable[[], list[list[str]]], gate: Gate, postgres_database: Postgres
) -> None:
    done = gate(*EVERYTHING, database=postgres_database, table="watched", dag_id="counted")
    assert done.state == "success"
    ((begin, only),) = watched()
    assert begin == "BEGIN READ ONLY"
    assert only.startswith("SELECT count(*) AS rows")


def test_bad_rows_cost_one_transaction_and_one_statement_more(
    watched: Callable[[], list[list[str]]], gate: Gate, postgres_database: Postgres
) -> None:
    postgres_database.sql("INSERT INTO others VALUES (NULL)")
    postgres_database.sql("UPDATE watched SET price = 11 WHERE id = 9")
    postgres_database.sql("INSERT INTO others VALUES (11)")
    before = len(watched())
    quarantine = Quarantine("bad", max_ratio=1)
    done = gate(
        *EVERYTHING, database=postgres_database, table="watched", quarantine=quarantine, samples=1
    )
    assert done.state == "success"
    first, samples, move, again = watched()[before:]
    assert [len(each) for each in (first, samples, again)] == [2, 2, 2]
    assert {each[0] for each in (first, samples, again)} == {"BEGIN READ ONLY"}
    assert first[1] == again[1]
    assert [each.split()[0] for each in move] == [
        "BEGIN", "LOCK", "CREATE", "INSERT", "SELECT", "CREATE", "DELETE", "INSERT", "DELETE",
        "COMMIT",
    ]  # fmt: skip


def test_the_table_is_scanned_once_and_once_more_for_each_unique_key(
    postgres_database: Postgres, watched: Callable[[], list[list[str]]]
) -> None:
    def counted() -> int:
        statistics = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'watched'"
        ((found,),) = postgres_database.sql(statistics)
        return int(found)

    def is_more(than: int) -> bool:
        return counted() > than

    start = counted()
    for checks, added in ((EVERYTHING[:2] + EVERYTHING[4:], 1), (EVERYTHING, 3)):
        Evaluation(postgres_database)(*checks, table="watched")
        wait_for(partial(is_more, start), 20, "the statistics")
        print(f"{len(checks)} checks: {counted() - start} scans")
        assert counted() == start + added
        start += added
    assert watched()


def test_the_ui_gets_the_statement_and_the_rendered_checks(
    filled: Database, gate: Gate, tmp_path: Path
) -> None:
    (tmp_path / "orders.sql").write_text("SELECT count(*) FROM orders WHERE id = :{{ 'n' * 2 }}\n")
    dag_id, folder = f"files_{filled.conn_id}", str(tmp_path)
    with DAG(dag_id, schedule=None, template_searchpath=folder, params={"column": "id"}) as dag:
        done = gate(
            CustomSql("orders.sql", {"nn": "{{ ds_nodash }}"}),
            NotNull("{{ params.column }}", severity="warn", name="the {{ params.column }}"),
            RowCount(min="{{ 1 + 1 }}"),
            where="price {{ '<' }} :most",
            parameters={"most": "{{ 5 * 5 }}"},
            quarantine=None,
            logical_date=datetime(2026, 3, 1, tzinfo=UTC),
            dag=dag,
        )
    assert done.state == "success"
    print(done.rendered)
    assert repr(done.rendered["checks"]) == (
        "(CustomSql(sql='SELECT count(*) FROM orders WHERE id = :nn', "
        "parameters={'nn': '20260301'}), "
        "NotNull(column='id', severity='warn', name='the id'), RowCount(min='2'))"
    )
    assert done.rendered["where"] == "price < :most"
    sql = done.rendered["sql"]
    assert sql.startswith("SELECT count(*) AS rows")
    assert '"id" IS NULL' in sql
    assert "20260301" not in sql
    assert [each["observed"] for each in done.value] == [0, "1 of 3 rows", 3]


def test_a_dag_with_checks_is_the_same_each_time_it_is_parsed() -> None:
    from airflow.serialization.serialized_objects import DagSerialization  # noqa: PLC0415

    def parsed() -> Any:
        with DAG("same", schedule=None) as dag:
            DataQualityOperator(
                task_id="gate", conn_id="x", table="t", checks=EVERYTHING,
                where="a = :a", parameters={"a": 1}, quarantine=Quarantine("bad"),
            )  # fmt: skip
        return DagSerialization.to_dict(dag)["dag"]["tasks"]

    print(parsed())
    assert parsed() == parsed()
    assert " at 0x" not in str(parsed())


@contextmanager
def terminated(when: Callable[[], bool]) -> Iterator[None]:
    """Send this process, in which the task runs, a SIGTERM once something is so."""

    def send() -> None:
        wait_for(when, 60, "the statement to run")
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    yield
    thread.join(60)
    assert not thread.is_alive()


def test_a_killed_task_ends_its_statement(postgres_database: Postgres, gate: Gate) -> None:
    postgres_database.sql("CREATE TABLE orders (id int)")
    running = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    check = CustomSql("SELECT 0 FROM pg_sleep(300)")
    with terminated(lambda: postgres_database.sql(running) == [(1,)]):
        done = gate(check, database=postgres_database)
    assert done.state == "failed"
    assert isinstance(done.error, psycopg.errors.QueryCanceled)
    wait_for(lambda: postgres_database.sql(running) == [(0,)], 20, "the statement to end")


def test_a_killed_move_is_undone(postgres_database: Postgres, gate: Gate) -> None:
    postgres_database.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (NULL)")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(postgres_database.uri) as holder:
        holder.execute("LOCK TABLE orders IN ROW EXCLUSIVE MODE")
        with terminated(lambda: postgres_database.sql(waiting) == [(1,)]):
            done = gate(
                NotNull("id"), database=postgres_database, quarantine=Quarantine("bad", max_ratio=1)
            )
    assert isinstance(done.error, psycopg.errors.QueryCanceled)
    assert postgres_database.sql("SELECT count(*), to_regclass('bad') FROM orders") == [(1, None)]


def test_a_killed_task_ends_its_statement_in_sqlite(lite: Lite, gate: Gate) -> None:
    lite.sql("CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1)")
    seen = []

    def reads() -> bool:
        # Whoever reads keeps others from writing; three times in a row is no quick look.
        with closing(sqlite3.connect(lite.path, timeout=0, isolation_level=None)) as other:
            try:
                other.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                seen.append(1)
            else:
                seen.clear()
        return len(seen) == 3

    endless = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n, orders)
        SELECT count(*) FROM n, orders
    """
    with terminated(reads):
        done = gate(CustomSql(endless), database=lite)
    assert done.state == "failed"
    assert isinstance(done.error, sqlite3.OperationalError)
    assert "interrupted" in str(done.error)


def test_after_its_end_is_asked_a_gate_begins_nothing(evaluate: Evaluation) -> None:
    from updraft.quality.base import Run  # noqa: PLC0415 -- beside what it serves
    from updraft.quality.gate import Gate  # noqa: PLC0415 -- likewise
    from updraft.quality.plan import Plan  # noqa: PLC0415 -- likewise
    from updraft.sql import TableName, sql_hook  # noqa: PLC0415 -- likewise

    plan = Plan(TableName("orders"), [RowCount(min=0)])
    gate = Gate(sql_hook(evaluate.database.conn_id), plan)
    gate.cancel()
    with pytest.raises(TransientError, match="told to end"):
        gate.run(Run(datetime.now(UTC)), "run")


def test_a_connection_may_give_dictionaries(
    postgres_database: Postgres, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    postgres_database.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (NULL)")
    uri = f"{postgres_database.uri}?cursor=dictcursor"
    monkeypatch.setenv(f"AIRFLOW_CONN_{postgres_database.conn_id.upper()}", uri)
    done = gate(
        NotNull("id"), Unique("id"), RowCount(max=1), database=postgres_database,
        quarantine=Quarantine("bad", max_ratio=0.5),
    )  # fmt: skip
    assert done.state == "success"
    assert [each["quarantined"] for each in done.value] == [1, 0, 0]
