"""A shop with orders, a warehouse to take them, and the operator that moves them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from updraft.testing.postgres import Database
from updraft.testing.results import TaskResult

COLUMNS = "id bigint, customer text, amount numeric(12,2), placed_at timestamptz, details jsonb"
ORDERS = f"CREATE TABLE orders ({COLUMNS}, PRIMARY KEY (id))"
# Six orders, two a day, from noon of the first of March 2026 on.
FILL = """
    INSERT INTO orders SELECT g, 'customer ' || g, g + 0.25,
        timestamptz '2026-03-01 12:00+00' + (g - 1) * interval '12 hours',
        jsonb_build_object('sku', g, 'nöte', E'tab\\tand "quote"')
    FROM generate_series(1, 6) g
"""

Move = Callable[..., TaskResult]


@dataclass(frozen=True, slots=True)
class Lite:
    """A SQLite file with an Airflow connection."""

    path: Path
    conn_id: str

    def sql(self, text: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement and commit it."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(text, params).fetchall()


@pytest.fixture
def shop(make_postgres_database: Callable[..., Database]) -> Database:
    """The source: six orders."""
    made = make_postgres_database("shop")
    made.sql(ORDERS)
    made.sql(FILL)
    return made


@pytest.fixture
def warehouse(make_postgres_database: Callable[..., Database]) -> Database:
    """The target: the same table, empty."""
    made = make_postgres_database("warehouse")
    made.sql(ORDERS)
    return made


@pytest.fixture
def lite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lite:
    """An empty SQLite file."""
    path = tmp_path / "lite.db"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return Lite(path, "lite")


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """Threads for what happens while a transfer runs."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def move(
    run_operator: Callable[..., TaskResult],
    shop: Database,  # noqa: ARG001 -- there by default
    warehouse: Database,  # noqa: ARG001 -- likewise
) -> Move:
    """Run the operator once, from the shop's orders to the warehouse's unless told otherwise."""
    from updraft.transfer import CustomDataOperator  # noqa: PLC0415 -- Airflow reads its home then

    def run(*, data_interval: Any = None, **options: Any) -> TaskResult:
        table = {} if "sql" in options else {"source_table": "orders"}
        chosen = {
            "task_id": "move",
            "source_conn_id": "shop",
            "target_conn_id": "warehouse",
            "target_table": "orders",
            **table,
            **options,
        }
        result = run_operator(CustomDataOperator(**chosen), data_interval=data_interval)
        print(f"{options}: {result.state}, {result.value or result.error}")
        return result

    return run


def rows(database: Database | Lite, table: str = "orders") -> list[tuple[Any, ...]]:
    """All rows of a table, by its first column, its other values as text."""
    found = database.sql(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 -- a test's own name
    return [(row[0], *map(str, row[1:])) for row in found]
