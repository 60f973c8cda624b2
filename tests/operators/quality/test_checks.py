"""Each check finds the rows that break it, and those only, in PostgreSQL and in SQLite."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.operators.quality.conftest import NOW, Database, Evaluation
from updraft.errors import ConfigurationError
from updraft.quality import (
    AcceptedValues,
    CustomSql,
    Fresh,
    InRange,
    NotNull,
    References,
    RowCount,
    RowCountChange,
    Unique,
)

ROWS = """
    INSERT INTO orders VALUES
    (1, 7, 10, 'new', '2026-03-01 10:00:00'),
    (2, 7, 20, 'paid', '2026-03-01 11:00:00'),
    (2, 8, 30, 'new', '2026-02-01 11:00:00'),
    (2, NULL, 40, 'lost', NULL),
    (NULL, 9, NULL, NULL, NULL),
    (NULL, 9, -1.5, 'it''s 100%', NULL)
"""


@pytest.fixture
def filled(orders: Database, evaluate: Evaluation) -> Evaluation:
    orders.sql(ROWS)
    orders.sql("CREATE TABLE customers (id INTEGER)")
    orders.sql("INSERT INTO customers VALUES (7), (9), (7), (NULL)")
    return evaluate


@pytest.mark.parametrize(
    ("check", "offending"),
    [
        (NotNull("id"), 2),
        (NotNull("placed_at"), 3),
        (Unique("id"), 2),
        (Unique("customer"), 2),
        (Unique(["id", "status"]), 0),
        (Unique(["customer", "id"]), 0),
        (InRange("price", min=0), 1),
        (InRange("price", min=10, max=30), 2),
        (InRange("price", min=10, max=30, inclusive=False), 4),
        (InRange("price", max=Decimal("39.99")), 1),
        (InRange("price", min="10"), 1),
        (InRange("placed_at", min=date(2026, 3, 1)), 1),
        (InRange("placed_at", max=datetime(2026, 3, 1, 10)), 1),  # noqa: DTZ001 -- as the column
        (AcceptedValues("status", ["new", "paid"]), 2),
        (AcceptedValues("status", ("new", "paid", "lost", "it's 100%")), 0),
        (AcceptedValues("id", {1}), 3),
        (References("customer", "customers", "id"), 1),
    ],
    ids=str,
)
def test_a_check_counts_the_rows_that_break_it(
    filled: Evaluation, check: Any, offending: int
) -> None:
    found = filled.finding(check)
    assert (found.offending, found.holds) == (offending, offending == 0)
    assert found.observed == (f"{offending} of 6 rows" if offending else "6 rows")
    assert found.expected == check.promise


@pytest.mark.parametrize(
    "check",
    [
        NotNull("id"),
        Unique("id"),
        InRange("price", min=0),
        AcceptedValues("status", ["new"]),
        References("customer", "orders", "id"),
    ],
    ids=str,
)
def test_on_an_empty_table_no_row_breaks_a_check(evaluate: Evaluation, check: Any) -> None:
    found = evaluate.finding(check)
    assert (found.holds, found.offending, found.observed) == (True, 0, "0 rows")


@pytest.mark.parametrize(
    ("bounds", "holds", "expected"),
    [
        ({"min": 6}, True, "at least 6"),
        ({"min": 7}, False, "at least 7"),
        ({"max": 6}, True, "at most 6"),
        ({"max": 5}, False, "at most 5"),
        ({"min": 1, "max": 9}, True, "at least 1, at most 9"),
        ({"min": "6", "max": "6"}, True, "at least 6, at most 6"),
        ({"max": 0}, False, "at most 0"),
    ],
)
def test_a_row_count_keeps_its_bounds(
    filled: Evaluation, bounds: dict[str, Any], holds: bool, expected: str
) -> None:
    found = filled.finding(RowCount(**bounds))
    assert (found.holds, found.observed, found.expected) == (holds, 6, expected)
    assert found.offending is None


def test_no_rows_is_a_row_count_too(evaluate: Evaluation) -> None:
    found = evaluate.findings(RowCount(min=1), RowCount(max=1), RowCount(min=0))
    print(found)
    assert [each.holds for each in found] == [False, True, True]


@pytest.mark.parametrize(
    ("earlier", "holds", "expected"),
    [
        ([], True, "not known: 0 of 3 earlier runs"),
        ([1, 1], True, "not known: 2 of 3 earlier runs"),
        ([6, 6, 6], True, "4.5 to 7.5 rows, the median of 3 runs +-25%"),
        ([8, 8, 8], True, "6 to 10 rows, the median of 3 runs +-25%"),
        ([9, 9, 9], False, "6.75 to 11.25 rows, the median of 3 runs +-25%"),
        ([4, 4, 4], False, "3 to 5 rows, the median of 3 runs +-25%"),
        ([900, 6, 6, 6, 700], True, "4.5 to 7.5 rows, the median of 5 runs +-25%"),
        ([90, 90, 90, 6, 6, 6, 6, 6], True, "4.5 to 7.5 rows, the median of 5 runs +-25%"),
        ([0, 0, 0], False, "0 to 0 rows, the median of 3 runs +-25%"),
    ],
)
def test_a_row_count_is_compared_with_the_median_of_the_last_runs(
    filled: Evaluation, earlier: list[int], holds: bool, expected: str
) -> None:
    check = RowCountChange(tolerance=0.25, runs=5, min_runs=3)
    found = filled.finding(check, counts={check.title: earlier, "another": [1, 2, 3]})
    assert (found.holds, found.observed, found.expected) == (holds, 6, expected)
    assert found.counts == (*earlier[-5:], 6)


@pytest.mark.parametrize(
    ("age", "holds"), [(timedelta(hours=1), True), (timedelta(minutes=59), False)]
)
def test_the_newest_row_tells_how_fresh_a_table_is(
    filled: Evaluation, age: timedelta, holds: bool
) -> None:
    found = filled.finding(Fresh("placed_at", age))
    oldest = (NOW - age).isoformat(" ")
    assert (found.holds, found.observed) == (holds, "2026-03-01 11:00:00+00:00")
    assert found.expected == f"{oldest} or later"


def test_freshness_can_be_relative_to_the_data_interval(filled: Evaluation) -> None:
    check = Fresh("placed_at", timedelta(hours=1), relative_to="data_interval_end")
    early, late = NOW - timedelta(days=1), NOW + timedelta(seconds=1)
    assert filled.finding(check, interval_end=early).holds
    assert not filled.finding(check, interval_end=late).holds
    with pytest.raises(ConfigurationError, match="no data interval") as raised:
        filled.finding(check)
    print(raised.value)
    assert raised.value.where == "fresh(placed_at)"
    assert "relative_to='now'" in raised.value.fix


def test_a_table_without_times_is_not_fresh(orders: Database, evaluate: Evaluation) -> None:
    check = Fresh("placed_at", timedelta(days=9999))
    empty = evaluate.finding(check)
    orders.sql("INSERT INTO orders (id) VALUES (1)")
    nulls = evaluate.finding(check)
    assert (empty.holds, empty.observed) == (nulls.holds, nulls.observed) == (False, None)
    assert empty.expected == nulls.expected == "1998-10-15 12:00:00+00:00 or later"


@pytest.mark.parametrize(
    ("stored", "moment"),
    [
        (datetime(2026, 3, 1, 11, tzinfo=UTC).timestamp(), "2026-03-01 11:00:00+00:00"),
        (int(NOW.timestamp()), "2026-03-01 12:00:00+00:00"),
        ("2026-03-01T13:30:00+02:00", "2026-03-01 11:30:00+00:00"),
        ("2026-03-01", "2026-03-01 00:00:00+00:00"),
        (date(2026, 3, 1), "2026-03-01 00:00:00+00:00"),
        (datetime.fromisoformat("2026-03-01 14:00+03:00"), "2026-03-01 11:00:00+00:00"),
    ],
    ids=repr,
)
def test_a_time_is_read_however_it_is_stored(stored: Any, moment: str) -> None:
    from updraft.quality.base import Run  # noqa: PLC0415 -- beside what it serves

    found = Fresh("at", timedelta(days=1)).judge(stored, 1, Run(NOW))
    print(f"{stored!r} -> {found.observed}")
    assert (found.observed, found.holds) == (moment, True)


@pytest.mark.parametrize("stored", ["yesterday", b"2026", 1e300, object()], ids=type)
def test_what_is_no_time_is_refused(stored: Any) -> None:
    from updraft.quality.base import Run  # noqa: PLC0415 -- beside what it serves

    with pytest.raises(ConfigurationError, match="holds no times") as raised:
        Fresh("at", timedelta(days=1)).judge(stored, 1, Run(NOW))
    print(raised.value)
    assert raised.value.where == "fresh(at)"


@pytest.mark.parametrize(
    ("sql", "parameters", "holds", "observed"),
    [
        ("SELECT count(*) FROM orders WHERE price > :most", {"most": 20}, False, 2),
        ("SELECT count(*) FROM orders WHERE price > %(most)s", {"most": 99}, True, 0),
        ("SELECT count(*) FROM orders WHERE status LIKE '%00%'; ", {}, False, 1),
        ("WITH x AS (SELECT 1 AS n) SELECT n FROM x -- one", {}, False, 1),
        ("-- none\n SELECT sum(price) FROM orders WHERE id = 99", {}, False, None),
        ("SELECT id FROM orders WHERE id = 99", {}, False, None),
        ("SELECT 3 * 1.0 FROM orders WHERE id = 1", {}, False, 3),
        ("SELECT -1", {}, False, -1),
    ],
)
def test_a_query_tells_how_many_rows_offend(
    filled: Evaluation, sql: str, parameters: dict[str, Any], holds: bool, observed: Any
) -> None:
    found = filled.finding(CustomSql(sql, parameters))
    assert (found.holds, found.observed, found.offending) == (holds, observed, observed)
    assert found.expected == "0 offending rows"


@pytest.mark.parametrize(
    ("sql", "holds", "observed"),
    [
        ("SELECT sum(price) > 0 FROM orders", True, True),
        ("SELECT sum(price) < 0 FROM orders", False, False),
        ("SELECT sum(price) < 0 FROM orders WHERE id = 99", False, None),
        ("SELECT 1", True, True),
        ("SELECT 0", False, False),
    ],
)
def test_a_query_tells_whether_a_promise_holds(
    filled: Evaluation, sql: str, holds: bool, observed: Any
) -> None:
    found = filled.finding(CustomSql(sql, returns="truth"))
    assert found.holds is holds
    assert found.observed is observed
    assert (found.expected, found.offending) == ("true", None)


@pytest.mark.parametrize(
    ("sql", "returns", "message"),
    [
        ("SELECT 'many'", "offending", "returned 'many', not a number of rows"),
        ("SELECT 0.5", "offending", "not a number of rows"),
        ("SELECT 2", "truth", "returned 2, not a truth"),
        ("SELECT 'f'", "truth", "not a truth"),
    ],
)
def test_a_query_that_returns_something_else_is_refused(
    evaluate: Evaluation, sql: str, returns: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        evaluate.finding(CustomSql(sql, returns=returns, name="mine"))
    print(raised.value)
    assert raised.value.where == "mine"


def test_a_truth_is_not_taken_for_a_number(postgres_database: Database) -> None:
    postgres_database.sql("CREATE TABLE orders (id int)")
    with pytest.raises(ConfigurationError, match="returned True, not a number") as raised:
        Evaluation(postgres_database).finding(CustomSql("SELECT true"))
    assert "returns='truth'" in raised.value.fix


def test_only_rows_of_the_condition_are_checked(filled: Evaluation) -> None:
    checks: list[Any] = [NotNull("id"), Unique("id")]
    checks += [References("customer", "customers", "id"), RowCount(min=4)]
    checks += [Fresh("placed_at", timedelta(days=60))]
    where = "orders.price > :least -- the dear ones"
    found = filled.findings(*checks, where=where, parameters={"least": 10})
    print(found)
    assert [each.observed for each in found] == [
        "3 rows",
        "2 of 3 rows",
        "1 of 3 rows",
        3,
        "2026-03-01 11:00:00+00:00",
    ]
    assert [each.holds for each in found] == [True, False, False, False, True]


def test_each_piece_of_sql_has_parameters_of_its_own(filled: Evaluation) -> None:
    query = "SELECT count(*) FROM orders WHERE price > :least"
    found = filled.findings(
        RowCount(min=1),
        CustomSql(query, {"least": 35}, name="dear"),
        CustomSql(query, {"least": 99}, name="dearer"),
        where="price > :least",
        parameters={"least": 15},
    )
    print(found)
    assert [each.observed for each in found] == [3, 1, 0]


def test_a_text_is_compared_by_the_columns_type(postgres_database: Database) -> None:
    postgres_database.sql("CREATE TABLE orders (at timestamptz, n bigint, price numeric)")
    postgres_database.sql("INSERT INTO orders VALUES ('2026-03-01 12:00+00', 9000000000, 9.5)")
    found = Evaluation(postgres_database).findings(
        InRange("at", min="2026-03-01 00:00+00", max="2026-03-02 00:00+00"),
        InRange("n", min=8_999_999_999, max="10000000000"),
        AcceptedValues("price", ["9.50", 7]),
        where="at >= :day AND n > :least",
        parameters={"day": "2026-03-01 00:00+00", "least": 5},
    )
    print(found)
    assert [each.observed for each in found] == ["1 rows"] * 3


def test_times_are_told_in_utc_to_the_second(
    filled: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        filled.database.sql("UPDATE orders SET placed_at = '2026-03-01 11:00:00.123456'")
        found = filled.finding(Fresh("placed_at", timedelta(hours=1)))
    time.tzset()
    assert found.observed == "2026-03-01 11:00:00+00:00"
    assert found.expected == "2026-03-01 11:00:00+00:00 or later"


def test_a_colon_that_starts_no_parameter_is_a_colon(postgres_database: Database) -> None:
    postgres_database.sql('CREATE TABLE orders (id int, at timestamp, note text, "no:te" text)')
    postgres_database.sql("INSERT INTO orders VALUES (1, '2026-03-01 12:30', 'a :b 100%', 'x')")
    where = r"""
        -- :none, and 'none
        at::date = :day::date AND at::time = '12:30:00' /* : */ AND note LIKE 'a :b 100%' AND
        (ARRAY[1, 2])[1:1] = (ARRAY[1, 2])[ :1] AND 'it''s :x' <> "no:te"
        AND (ARRAY[3, 4])[id\:id] = ARRAY[3]
    """
    evaluate = Evaluation(postgres_database)
    found = evaluate.finding(RowCount(min=1), where=where, parameters={"day": "2026-03-01"})
    assert found.observed == 1


def test_a_set_of_values_always_reads_the_same() -> None:
    values = {f"value {number}" for number in range(9)}
    check = AcceptedValues("status", values)
    print(check)
    assert check.values == tuple(sorted(values))
    assert AcceptedValues("status", {1, "a"}).values == ("a", 1)
    assert AcceptedValues("status", ["b", "a"]).values == ("b", "a")


def test_names_and_values_with_strange_characters_are_only_names_and_values(
    database: Database,
) -> None:
    name, column, key = 'bestellungen "für" 100%:märz', 'größe "in" %s :cm', "c'est"
    quoted = [each.replace('"', '""') for each in (name, column, key)]
    database.sql(f'CREATE TABLE "{quoted[0]}" ("{quoted[1]}" TEXT, "{quoted[2]}" TEXT)')
    rows = """VALUES ('%s', ':a'), (';--', '"'), (NULL, 'b')"""
    database.sql(f'INSERT INTO "{quoted[0]}" {rows}')
    table = f'"{quoted[0]}"'
    checks = [
        NotNull(column),
        Unique([column, key]),
        AcceptedValues(column, ["%s", ";--"]),
        AcceptedValues(key, [":a", '"', "'; DROP TABLE x; --"]),
        References(column, table, key),
        InRange(column, min="%(x)s"),
    ]
    found = Evaluation(database).findings(*checks, table=table)
    print(found)
    assert [each.offending for each in found][:5] == [1, 0, 0, 1, 2]
