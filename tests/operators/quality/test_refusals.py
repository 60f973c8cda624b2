"""What can't be checked is refused with what, where and how to mend it, before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.operators.quality.conftest import Database, Evaluation
from updraft.errors import ConfigurationError
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

EVIL = 'id"; DROP TABLE orders; --'


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NotNull(""), "not the names of columns: ''"),
        (lambda: NotNull("id", severity="bad"), "there is no severity 'bad'"),  # type: ignore[arg-type]
        (lambda: Unique([]), "not the names of columns"),
        (lambda: Unique(["id", "id"]), "a column twice"),
        (lambda: Unique(["id", ""]), "not the names of columns"),
        (lambda: Unique([1]), "not the names of columns"),  # type: ignore[list-item]
        (lambda: InRange("price"), "a range without bounds"),
        (lambda: InRange("price", min=2, max=1), "no value lies between 2 and 1"),
        (lambda: InRange("price", min=1, max=1, inclusive=False), "no value lies between 1 and 1"),
        (lambda: InRange("price", min=1, max=timedelta(1)), "no value lies between"),
        (lambda: AcceptedValues("status", []), "no value would be accepted"),
        (lambda: AcceptedValues("status", "new"), "a text, not a list"),
        (lambda: AcceptedValues("status", ["new", None]), "NULL is always accepted"),
        (lambda: References("customer", EVIL, "id"), "not the name of a table"),
        (lambda: References("customer", "customers", ""), "not the names of columns"),
        (RowCount, "a count without bounds"),
        (lambda: RowCount(min=2, max=1), "at least 2 and at most 1"),
        (lambda: RowCount(min=-1), "at least -1"),
        (lambda: RowCount(max=-1), "at most -1"),
        (lambda: RowCount(min="many"), "no numbers: min 'many', max None"),
        (lambda: RowCount(max=[1]), r"no numbers: min None, max \[1\]"),  # type: ignore[arg-type]
        (lambda: RowCountChange(tolerance=-0.1), "a tolerance below 0"),
        (lambda: RowCountChange(tolerance=1, runs=2), "min_runs 3 of runs 2"),
        (lambda: RowCountChange(tolerance=1, min_runs=0), "min_runs 0"),
        (lambda: RowCountChange(tolerance=1, runs=101), "runs 101"),
        (lambda: Fresh("", timedelta(1)), "not the names of columns"),
        (lambda: Fresh("at", timedelta(-1)), "not an age"),
        (lambda: Fresh("at", 3600), "not an age: 3600"),  # type: ignore[arg-type]
        (lambda: Fresh("at", timedelta(1), relative_to="then"), "relative to what"),  # type: ignore[arg-type]
        (lambda: CustomSql("DELETE FROM orders"), "not a query"),
        (lambda: CustomSql("-- SELECT\nDROP TABLE x"), "not a query"),
        (lambda: CustomSql("SELECT 1", returns="rows"), "returns what"),  # type: ignore[arg-type]
        (lambda: CustomSql("SELECT :a + :b", {"a": 1}), "no value for :b"),
        (lambda: CustomSql("SELECT :a", {"a": 1, "c": 2}), "nothing uses the parameter c"),
        (lambda: Quarantine("a.b.c"), "not the name of a table"),
        (lambda: Quarantine("bad", max_rows=0), "max_rows 0"),
        (lambda: Quarantine("bad", max_ratio=0), "max_ratio 0"),
        (lambda: Quarantine("bad", max_ratio=1.1), r"max_ratio 1\.1"),
    ],
)
def test_a_check_that_makes_no_sense_is_refused_when_it_is_made(
    make: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        make()
    print(raised.value)
    assert raised.value.where
    assert raised.value.fix


@pytest.mark.parametrize(
    "make",
    [
        lambda: InRange("price", min=1, max=1),
        lambda: InRange("price", min=1, max=2, inclusive=False),
        lambda: InRange("price", min="9", max="10"),
        lambda: InRange("price", min="{{ params.least }}", max=1),
        lambda: RowCount(min=0, max=0),
        lambda: RowCount(min="{{ params.least }}", max=1),
        lambda: RowCountChange(tolerance=0, runs=1, min_runs=1),
        lambda: RowCountChange(tolerance=1, runs=100),
        lambda: Fresh("at", timedelta(0)),
        lambda: References("customer", "{{ params.table }}", "id"),
        lambda: CustomSql("{{ params.sql }}"),
        lambda: CustomSql("checks/orders.sql"),
        lambda: CustomSql("{% include 'orders.sql' %}"),
        lambda: Quarantine("{{ params.table }}"),
        lambda: Quarantine("bad", max_rows=1, max_ratio=1),
    ],
)
def test_what_makes_sense_or_is_not_known_yet_is_taken(make: Callable[[], Any]) -> None:
    made = make()
    print(made)
    assert made == make()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "SQL and its parameters don't fit: no value for :a, :b"),
        ({"b": 1}, "SQL and its parameters don't fit: no value for :a"),
        (
            {"a": 1, "b": 2, "d": 3, "c": 4},
            "SQL and its parameters don't fit: nothing uses the parameter c, d",
        ),
        (
            {"a": 1, "c": 3},
            "SQL and its parameters don't fit: no value for :b; nothing uses the parameter c",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        CustomSql("SELECT :b + :a", parameters, name="mine")
    assert (raised.value.what, raised.value.where) == (message, "mine")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checks": []}, "there are no checks"),
        ({"checks": [NotNull("id"), "unique"]}, "there are no checks, or one is none"),
        ({"checks": [NotNull("id"), NotNull("id")]}, r"two checks have the name not_null\(id\)"),
        ({"checks": [RowCount(min=1, name="a"), RowCount(max=2, name="a")]}, "the name a"),
        ({"table": EVIL}, "not the name of a table"),
        ({"table": "a.b.c"}, "not the name of a table"),
        ({"samples": -1}, "-1 samples"),
        ({"samples": 21}, "21 samples"),
        ({"parameters": {"a": 1}}, "parameters without where"),
        ({"where": "day = :day"}, "no value for :day"),
        ({"where": "day = 1", "parameters": {"day": 1}}, "nothing uses the parameter day"),
        (
            {"quarantine": Quarantine("bad"), "checks": [RowCount(min=1)]},
            "no check moves rows into the quarantine",
        ),
        (
            {"quarantine": Quarantine("bad"), "checks": [NotNull("id", severity="warn")]},
            "no check moves rows into the quarantine",
        ),
        ({"quarantine": Quarantine('"orders"')}, "the quarantine is the table itself"),
    ],
)
def test_options_that_make_no_sense_are_refused_when_the_dag_is_parsed(
    options: dict[str, Any], message: str
) -> None:
    right: dict[str, Any] = {
        "task_id": "gate",
        "conn_id": "shop",
        "table": "orders",
        "checks": [NotNull("id")],
    }
    assert DataQualityOperator(**right).table == "orders"
    with pytest.raises(ConfigurationError, match=message) as raised:
        DataQualityOperator(**{**right, **options})
    print(raised.value)
    assert raised.value.where.endswith("task gate") or "table" in options
    assert raised.value.fix


@pytest.mark.parametrize(
    ("table", "quarantine"), [("{{ params.table }}", "bad"), ("orders", "{{ params.table }}")]
)
def test_a_quarantine_may_be_named_when_the_task_runs(table: str, quarantine: str) -> None:
    made = DataQualityOperator(
        task_id="gate", conn_id="shop", table=table, checks=[NotNull("id")],
        quarantine=Quarantine(quarantine),
    )  # fmt: skip
    assert (made.table, made.quarantine) == (table, Quarantine(quarantine))


@pytest.mark.parametrize("where", ["{{ params.where }}", "{% if 1 %}id = :id{% endif %}", "a.sql"])
def test_a_condition_that_is_not_known_yet_is_taken(where: str) -> None:
    options: dict[str, Any] = {"where": where, "parameters": {"id": 1}, "checks": [NotNull("id")]}
    made = DataQualityOperator(task_id="gate", conn_id="shop", table="orders", **options)
    assert made.where == where


@pytest.mark.parametrize(
    ("checks", "options", "message"),
    [
        ([NotNull("nope")], {}, "table orders has no column nope"),
        ([Unique(["id", EVIL])], {}, "has no column id"),
        ([Unique("id", latest_by="nope")], {}, "has no column nope"),
        ([Fresh("nope", timedelta(1))], {}, "has no column nope"),
        ([References("id", "nope", "id")], {}, "there is no table nope"),
        ([References("id", "orders", "nope")], {}, "table orders has no column nope"),
        ([NotNull("ID ")], {}, "has no column ID "),
        ([NotNull("id")], {"table": "nope"}, "there is no table nope"),
        ([NotNull("id")], {"table": "nowhere.orders"}, "there is no table nowhere.orders"),
    ],
)
def test_what_is_not_there_is_refused(
    evaluate: Evaluation, checks: list[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        evaluate(*checks, **options)
    print(raised.value)
    assert evaluate.database.conn_id in raised.value.where


def test_a_missing_column_is_told_with_those_that_are_there(evaluate: Evaluation) -> None:
    with pytest.raises(ConfigurationError) as raised:
        evaluate(NotNull("id"), InRange("prize", min=0))
    assert raised.value.fix == "name one of: id, customer, price, status, placed_at"
    assert raised.value.where.endswith("check in_range(prize)")


@pytest.mark.parametrize(
    "check",
    [
        CustomSql("SELECT count(*) FROM nope", name="the wrong one"),
        CustomSql("SELECT 1, 2", name="the wrong one"),
        CustomSql("SELECT count(* FROM orders", name="the wrong one"),
        CustomSql("SELECT count(*)) FROM orders; DROP TABLE orders; --", name="the wrong one"),
    ],
    ids=str,
)
def test_the_check_that_a_database_refuses_is_named(evaluate: Evaluation, check: Any) -> None:
    with pytest.raises(ConfigurationError, match="the database refuses the statement") as raised:
        evaluate(NotNull("id"), check, RowCount(min=0))
    print(raised.value)
    assert raised.value.where == f"connection {evaluate.database.conn_id}, check the wrong one"
    assert "correct the SQL" in raised.value.fix
    assert evaluate.finding(RowCount(min=0)).holds


def test_values_of_another_type_than_the_column_are_refused(postgres_database: Database) -> None:
    postgres_database.sql("CREATE TABLE orders (id int, price int, status text)")
    evaluate = Evaluation(postgres_database)
    with pytest.raises(ConfigurationError, match="operator does not exist") as raised:
        evaluate(NotNull("id"), InRange("status", min=5), InRange("price", min=5))
    assert "check in_range(status)" in raised.value.where
    with pytest.raises(ConfigurationError, match="invalid input syntax") as raised:
        evaluate(NotNull("id"), AcceptedValues("price", ["dear"]))
    assert "check accepted_values(price)" in raised.value.where


def test_an_error_of_the_data_is_the_statements(postgres_database: Database) -> None:
    postgres_database.sql("CREATE TABLE orders (id int)")
    postgres_database.sql("INSERT INTO orders VALUES (0)")
    evaluate = Evaluation(postgres_database)
    with pytest.raises(ConfigurationError, match="division by zero") as raised:
        evaluate(NotNull("id"), where="1 / id > 0")
    print(raised.value)
    assert raised.value.where == f"connection {postgres_database.conn_id}"


@pytest.mark.parametrize(
    "evil",
    [
        "1=1; DROP TABLE orders",
        "1=1) AS x; DROP TABLE orders; --",
        "1=1) AS checked LIMIT 1; COMMIT; DROP TABLE orders; COMMIT; --",
    ],
)
def test_no_second_statement_runs_whatever_the_condition_says(
    orders: Database, evaluate: Evaluation, evil: str
) -> None:
    orders.sql("INSERT INTO orders (id) VALUES (1)")
    with pytest.raises(ConfigurationError, match="refuses") as raised:
        evaluate(RowCount(min=1), where=evil)
    print(raised.value)
    assert orders.sql("SELECT count(*) FROM orders") == [(1,)]


def test_a_check_can_change_nothing(postgres_database: Database) -> None:
    postgres_database.sql("""
        CREATE TABLE orders (id int);
        CREATE FUNCTION spoil() RETURNS int LANGUAGE sql
            AS 'INSERT INTO orders VALUES (1) RETURNING 0'
    """)
    with pytest.raises(Exception, match="read-only transaction") as raised:
        Evaluation(postgres_database)(CustomSql("SELECT spoil()"))
    print(repr(raised.value))
    assert postgres_database.sql("SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.parametrize(
    "value", ["1 OR 1=1", "1'; DROP TABLE orders; --", "{{ 7 * 7 }}", "%s", ""]
)
def test_a_value_from_params_stays_a_value(
    gate: Callable[..., Any], orders: Database, value: str
) -> None:
    orders.sql("INSERT INTO orders (id, status) VALUES (1, 'a'), (2, 'b')")
    orders.sql("INSERT INTO orders (id, status) VALUES (3, %s)", value)
    done = gate(
        AcceptedValues("status", ["{{ params.value }}"]),
        RowCount(min=1, max=1),
        CustomSql(
            "SELECT abs(count(*) - 1) FROM orders WHERE status = :status",
            {"status": "{{ params.value }}"},
        ),
        where="status = :status",
        parameters={"status": "{{ params.value }}"},
        params={"value": value},
    )
    assert done.state == "success"
    assert [each["observed"] for each in done.value] == ["1 rows", 1, 0]


@pytest.mark.parametrize("field", ["table", "quarantine", "references", "column"])
def test_a_name_from_params_stays_a_name(
    gate: Callable[..., Any], orders: Database, field: str
) -> None:
    orders.sql("INSERT INTO orders (id) VALUES (1), (NULL)")
    name, options = "{{ params.name }}", dict[str, Any]()
    checks: list[Any] = [NotNull("id")]
    if field == "table":
        options["table"] = name
    elif field == "quarantine":
        options["quarantine"] = Quarantine(name, max_ratio=1)
    elif field == "references":
        checks = [References("id", name, "id")]
    else:
        checks = [NotNull(name)]
    done = gate(*checks, params={"name": EVIL}, **options)
    assert done.state == "failed"
    assert isinstance(done.error, ConfigurationError)
    assert orders.sql("SELECT count(*) FROM orders") == [(2,)]


def test_a_rendered_condition_with_braces_is_a_condition(
    gate: Callable[..., Any], orders: Database
) -> None:
    orders.sql("INSERT INTO orders (id, status) VALUES (1, '{{ x }}'), (2, 'b')")
    done = gate(RowCount(min=1, max=1), where="status = '{{ params.x }}'", params={"x": "{{ x }}"})
    assert done.state == "success"


def test_a_connection_that_is_not_there_is_refused(
    gate: Callable[..., Any], lite: Database
) -> None:
    done = gate(NotNull("id"), database=lite, conn_id="nowhere")
    assert isinstance(done.error, ConfigurationError)
    assert done.error.where == "nowhere"
