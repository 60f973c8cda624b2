"""Whatever can't be moved is refused by an error that tells why and where, and nothing changes."""

# ruff: noqa: S608 -- a test's own names
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.operators.transfer.conftest import FILL, ORDERS, Move, rows
from tests.operators.transfer.test_modes import WHOLE
from updraft import errors
from updraft.testing.postgres import Database, Server
from updraft.transfer import CustomDataOperator

# Tables and columns that fit nothing, for the cases below.
ODD = """
    CREATE TYPE mood AS ENUM ('glad', 'sad');
    CREATE TABLE odd (id bigint UNIQUE, customer text NOT NULL, day date, flag boolean,
        mood mood, doubled bigint GENERATED ALWAYS AS (id * 2) STORED,
        number bigint GENERATED ALWAYS AS IDENTITY, note text NOT NULL DEFAULT '');
    CREATE TABLE strict (id bigint PRIMARY KEY CHECK (id < 5), customer text NOT NULL);
    CREATE TABLE soon (id bigint UNIQUE DEFERRABLE, a int, b int);
    CREATE UNIQUE INDEX partial ON soon (a) WHERE b > 0;
    CREATE UNIQUE INDEX expression ON soon ((a + b));
    CREATE UNIQUE INDEX covering ON soon (b) INCLUDE (a);
    CREATE TABLE pairs (a int, b text, PRIMARY KEY (a, b));
"""
SMALL = {"columns": ["id", "customer"], "mode": "replace"}
ODDLY = {"target_table": "odd", "mode": "replace"}
Q = "SELECT id, customer FROM orders"


def options(*more: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Options put together; a `sql` takes the table's place."""
    return {key: value for each in (*more, changes) for key, value in each.items()}


# Options, the error, and what it has to tell.
REFUSED: dict[str, tuple[dict[str, Any], type[errors.UpdraftError], list[str]]] = {
    "no such connection": (
        options(WHOLE["replace"], source_conn_id="nowhere"),
        errors.ConfigurationError,
        ["nowhere", "AIRFLOW_CONN_NOWHERE"],
    ),
    "a connection to no database": (
        options(WHOLE["replace"], target_conn_id="web"),
        errors.ConfigurationError,
        ["web", "connection"],
    ),
    "a server that is not there": (
        options(WHOLE["replace"], source_conn_id="down"),
        errors.SourceUnavailableError,
        ["source, connection down", "retry"],
    ),
    "a target that is not there": (
        options(WHOLE["replace"], target_conn_id="down"),
        errors.TransientError,
        ["target orders, connection down"],
    ),
    "a wrong password": (
        options(WHOLE["replace"], source_conn_id="stranger"),
        errors.ConfigurationError,
        ["stranger", "authentication failed"],
    ),
    "no such database": (
        options(WHOLE["replace"], target_conn_id="unmade"),
        errors.ConfigurationError,
        ["unmade", "does not exist"],
    ),
    "no such source": (
        options(WHOLE["replace"], source_table="missing"),
        errors.ConfigurationError,
        ["missing", "source, connection shop"],
    ),
    "no such target": (
        options(WHOLE["replace"], target_table="public.missing"),
        errors.ConfigurationError,
        ["there is no table public.missing", "warehouse"],
    ),
    "a target's name with SQL in it": (
        options(WHOLE["replace"], target_table="orders; DROP TABLE orders"),
        errors.ConfigurationError,
        ["not the name of a table", "DROP TABLE"],
    ),
    "a source's name with SQL in it": (
        options(WHOLE["replace"], source_table='orders" CASCADE'),
        errors.ConfigurationError,
        ["not the name of a table"],
    ),
    "a column's name with SQL in it": (
        options(SMALL, columns={"id": 'id") SELECT 1; DROP TABLE orders; --'}),
        errors.SchemaMismatchError,
        ['the target has no column id") SELECT 1', "id, customer, amount"],
    ),
    "a source column's name with SQL in it": (
        options(SMALL, columns={"id FROM orders; DROP TABLE orders; --": "id"}),
        errors.SchemaMismatchError,
        ["the source has no column id FROM"],
    ),
    "several statements": (
        options(SMALL, sql="SELECT 1 AS id) moved; DROP TABLE orders; --"),
        errors.ConfigurationError,
        ["not one query"],
    ),
    "no statement": (options(SMALL, sql=" ; "), errors.ConfigurationError, ["0 statements"]),
    "a query that writes": (
        options(SMALL, sql="DELETE FROM orders RETURNING id, customer"),
        errors.ConfigurationError,
        ["syntax error"],
    ),
    "a query that writes by a function": (
        options(SMALL, sql="SELECT emptied() AS id, 'x' AS customer"),
        errors.ConfigurationError,
        ["read-only transaction"],
    ),
    "a query with a mistake": (
        options(SMALL, sql="SELECT nothing FROM orders"),
        errors.ConfigurationError,
        ['column "nothing" does not exist'],
    ),
    "columns that the target lacks": (
        options(WHOLE["replace"], sql="SELECT 1 AS id, 'x' AS colour"),
        errors.SchemaMismatchError,
        ["the target has no column colour", "a query (shop) to orders (warehouse)"],
    ),
    "two columns of one name": (
        options(WHOLE["replace"], sql="SELECT id, customer, customer FROM orders"),
        errors.SchemaMismatchError,
        ["the source has 2 columns customer"],
    ),
    "two columns into one": (
        options(SMALL, columns={"id": "id", "amount": "id"}),
        errors.SchemaMismatchError,
        ["2 columns go into id"],
    ),
    "no columns": (options(SMALL, columns=[]), errors.SchemaMismatchError, ["no column"]),
    "types that don't fit": (
        options(WHOLE["replace"], sql="SELECT customer AS id, id AS placed_at FROM orders"),
        errors.SchemaMismatchError,
        [
            "id is text and doesn't fit into id, bigint",
            "placed_at is bigint and doesn't fit into placed_at, timestamp with time zone",
        ],
    ),
    "what would lose its digits": (
        options(SMALL, columns={"amount": "id"}),
        errors.SchemaMismatchError,
        ["amount is numeric and doesn't fit into id, bigint"],
    ),
    "a type of the other database's own": (
        options(ODDLY, sql="SELECT 'x' AS customer, 'glad' AS mood"),
        errors.SchemaMismatchError,
        ["mood is text and doesn't fit into mood, mood"],
    ),
    "a column that the target fills": (
        options(ODDLY, sql="SELECT 'x' AS customer, 1::bigint AS doubled, 1::bigint AS number"),
        errors.SchemaMismatchError,
        ["the target fills doubled itself", "the target fills number itself"],
    ),
    "a column that nothing fills": (
        options(ODDLY, columns=["id"]),
        errors.SchemaMismatchError,
        ["the target's customer is NOT NULL without a default"],
    ),
    "keys that are not moved": (
        options(columns=["customer"], mode="upsert", keys=["id"]),
        errors.SchemaMismatchError,
        ["id is needed"],
    ),
    "an interval's column that is not moved": (
        options(SMALL, WHOLE["append"]),
        errors.SchemaMismatchError,
        ["placed_at is needed"],
    ),
    "keys that are not unique in the target": (
        options(mode="upsert", keys=["customer", "id"]),
        errors.ConfigurationError,
        [
            "doesn't keep (customer, id) unique",
            'CREATE UNIQUE INDEX "orders_customer_id_key" ON "orders" ("customer", "id")',
        ],
    ),
    "keys that are unique only at the commit": (
        options(mode="upsert", keys=["id"], target_table="soon", columns=["id"]),
        errors.ConfigurationError,
        ["doesn't keep (id) unique"],
    ),
    "keys that are unique for some rows": (
        options(mode="upsert", keys=["a"], target_table="soon", sql="SELECT 1 AS a"),
        errors.ConfigurationError,
        ["doesn't keep (a) unique"],
    ),
    "keys whose sum is unique": (
        options(mode="upsert", keys=["a", "b"], target_table="soon", sql="SELECT 1 AS a, 2 AS b"),
        errors.ConfigurationError,
        ["doesn't keep (a, b) unique"],
    ),
    "NULL in keys": (
        options(mode="upsert", keys=["id"], sql="SELECT nullif(id, 3) AS id FROM orders"),
        errors.DataError,
        ["1 rows have NULL in a key (id)", "target orders"],
    ),
    "a key twice": (
        options(mode="upsert", keys=["id"], sql="SELECT id % 5 AS id FROM orders"),
        errors.DataError,
        ["several rows for one key: id=1 (2 rows)"],
    ),
    "a NULL that the target refuses": (
        options(mode="replace", target_table="strict", sql="SELECT 1 AS id, null AS customer"),
        errors.DataError,
        ['column "customer"', "target strict"],
    ),
    "a row that the target's check refuses": (
        options(SMALL, target_table="strict"),
        errors.DataError,
        ["strict_id_check"],
    ),
    "a row that another has in the target already": (
        options(WHOLE["append"], interval_start="2026-03-03"),
        errors.DataError,
        ["duplicate key", "orders_pkey"],
    ),
    "a value that is too large": (
        options(mode="replace", sql="SELECT id, 1e12::numeric AS amount FROM orders"),
        errors.DataError,
        ["numeric field overflow", "amount"],
    ),
    "a run without an interval": (
        options(mode="append", interval_column="placed_at"),
        errors.ConfigurationError,
        ["no data interval", "CronDataIntervalTimetable"],
    ),
    "an interval finer than the target's type": (
        options(
            WHOLE["append"],
            target_table="odd",
            columns={"placed_at": "day", "customer": "customer"},
            interval_column="day",
            interval_start="2026-03-02 06:00",
            interval_end="2026-03-02 18:00",
        ),
        errors.SchemaMismatchError,
        ["placed_at is timestamp with time zone and doesn't fit into day, date"],
    ),
    "a bound that is none": (
        options(WHOLE["append"], interval_start="yesterday or so"),
        errors.DataError,
        ["yesterday or so"],
    ),
    "a target that the user may not write": (
        options(WHOLE["replace"], target_conn_id="clerk"),
        errors.ConfigurationError,
        ["permission denied"],
    ),
}


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


# One pair of databases for all cases, since none of them changes anything.
@pytest.fixture(scope="module")
def shop(postgres: Server, patch: pytest.MonkeyPatch) -> Iterator[Database]:
    made = postgres.create("refusals_shop")
    patch.setenv("AIRFLOW_CONN_SHOP", made.uri)
    made.sql(ORDERS)
    made.sql(FILL)
    made.sql(
        "CREATE FUNCTION emptied() RETURNS int LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM orders; RETURN 1; END'"
    )
    yield made
    postgres.drop(made.name)


@pytest.fixture(scope="module")
def warehouse(postgres: Server, patch: pytest.MonkeyPatch) -> Iterator[Database]:
    """With tables that fit nothing, and with connections that lead nowhere."""
    made = postgres.create("refusals_warehouse")
    made.sql(ORDERS)
    made.sql(ODD)
    made.sql("INSERT INTO orders VALUES (3, 'stale', 1, '2026-03-02'), (4, 'other', 1, null)")
    made.sql("CREATE ROLE clerk LOGIN PASSWORD 'clerk'; GRANT SELECT ON orders TO clerk")
    server = made.uri.rpartition("@")[2]
    for name, uri in {
        "warehouse": made.uri,
        "web": "http://example.com",
        "down": "postgresql://127.0.0.1:1/none",
        "stranger": f"postgresql://stranger:wrong@{server}",
        "unmade": f"{made.uri}_unmade",
        "clerk": f"postgresql://clerk:clerk@{server}",
    }.items():
        patch.setenv(f"AIRFLOW_CONN_{name.upper()}", uri)
    yield made
    made.sql("DROP OWNED BY clerk; DROP ROLE clerk")
    postgres.drop(made.name)


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_moved_is_refused_and_nothing_changes(
    case: str, shop: Database, warehouse: Database, move: Move
) -> None:
    given, error, told = REFUSED[case]
    before, source = rows(warehouse), rows(shop)
    result = move(**given)
    assert result.state == "failed" or issubclass(error, errors.TransientError)
    assert type(result.error).__name__ == error.__name__
    missing = [each for each in told if each not in str(result.error)]
    assert not missing, f"the error doesn't tell {missing}"
    assert "where:" in str(result.error)
    assert "fix:" in str(result.error)
    assert rows(warehouse) == before
    assert rows(shop) == source
    for table in ("odd", "strict", "soon"):
        assert warehouse.sql(f"SELECT count(*) FROM {table}") == [(0,)]


def test_duplicates_of_several_keys_are_shown_with_all_of_them(move: Move) -> None:
    twice = "SELECT 1 AS a, 'x' AS b FROM generate_series(1, 3)"
    result = move(mode="upsert", keys=["a", "b"], sql=twice, target_table="pairs")
    assert "one key: a=1, b='x' (3 rows)\n" in str(result.error)


def test_only_the_first_duplicate_keys_are_shown(move: Move) -> None:
    result = move(
        mode="upsert",
        keys=["id"],
        sql="SELECT g % 50 AS id FROM generate_series(1::bigint, 100) g",
    )
    told = "one key: id=0 (2 rows); id=1 (2 rows); id=2 (2 rows)\n"
    assert told in str(result.error)


GOOD = {
    "task_id": "move",
    "source_conn_id": "a",
    "source_table": "t",
    "target_conn_id": "b",
    "target_table": "t",
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mode": "merge"}, "there is no mode 'merge'"),
        ({"mode": "replace", "sql": "SELECT 1"}, "the source is a table or a query"),
        ({"mode": "replace", "source_table": None}, "the source is a table or a query"),
        ({"mode": "replace", "parameters": [1]}, "parameters are a query's"),
        ({"mode": "upsert"}, "an upsert goes by keys"),
        ({"mode": "upsert", "keys": "id"}, "lists of names"),
        ({"mode": "replace", "columns": "id"}, "lists of names"),
        ({"mode": "replace", "keys": ["id"]}, "keys are an upsert's"),
        ({"mode": "append"}, "an append goes by an interval"),
        ({"mode": "replace", "interval_column": "at"}, "an interval is an append's"),
        ({"mode": "replace", "interval_start": 1, "interval_end": 2}, "an interval is an append's"),
        ({"mode": "append", "interval_column": "at", "interval_start": 0}, "a start and an end"),
        ({"mode": "append", "interval_column": "at", "interval_end": "x"}, "a start and an end"),
        ({"mode": "replace", "batch_rows": 0}, "a batch has a row or more"),
    ],
)
def test_options_that_contradict_each_other_stop_the_dag_file(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(errors.ConfigurationError) as refused:
        CustomDataOperator(**{**GOOD, **changes})
    print(refused.value)
    assert told in str(refused.value)
    assert refused.value.where == "task move"
    assert refused.value.fix


@pytest.mark.parametrize(
    "more",
    [
        {"mode": "replace", "batch_rows": 1},
        {"mode": "append", "interval_column": "n", "interval_start": 0, "interval_end": 0},
    ],
)
def test_options_at_their_edge_are_taken(more: dict[str, Any]) -> None:
    assert CustomDataOperator(**{**GOOD, **more}).mode == more["mode"]
