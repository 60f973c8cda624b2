"""A database of each kind with a table of orders, and what checks find in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

COLUMNS = "id INTEGER, customer INTEGER, price NUMERIC(10,2), status TEXT, placed_at TIMESTAMP"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Database(Protocol):
    """A database with an Airflow connection."""

    @property
    def conn_id(self) -> str:
        """Its connection."""

    def sql(self, text: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement and commit it."""


@dataclass(frozen=True, slots=True)
class Lite:
    """A SQLite file with an Airflow connection."""

    path: Path
    conn_id: str

    def sql(self, text: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement, or several without params, and commit."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            if params or text.lstrip().upper().startswith(("SELECT", "PRAGMA")):
                return connection.execute(text.replace("%s", "?"), params).fetchall()
            connection.executescript(text)
            return []


@pytest.fixture
def lite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lite:
    """An empty SQLite file."""
    path = tmp_path / "lite.db"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return Lite(path, "lite")


@pytest.fixture(params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database of either kind."""
    name = "postgres_database" if request.param == "postgres" else "lite"
    found: Database = request.getfixturevalue(name)
    return found


@pytest.fixture
def orders(database: Database) -> Database:
    """A database with an empty table of orders."""
    database.sql(f"CREATE TABLE orders ({COLUMNS})")
    return database


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Evaluates checks against a database, without a task around it."""

    database: Database

    def __call__(  # noqa: PLR0913 -- as the operator
        self,
        *checks: Any,
        table: str = "orders",
        where: str | None = None,
        parameters: dict[str, Any] | None = None,
        quarantine: Any = None,
        samples: int = 0,
        run_id: str = "run 1",
        **known: Any,
    ) -> Any:
        """Return the verdict."""
        from updraft.quality.base import RowCheck, Run  # noqa: PLC0415 -- imports Airflow
        from updraft.quality.gate import Gate  # noqa: PLC0415 -- likewise
        from updraft.quality.move import Move  # noqa: PLC0415 -- likewise
        from updraft.quality.plan import Plan  # noqa: PLC0415 -- likewise
        from updraft.quality.scan import authored  # noqa: PLC0415 -- likewise
        from updraft.sql import TableName, sql_hook  # noqa: PLC0415 -- likewise

        hook, name = sql_hook(self.database.conn_id), TableName.parse(table)
        condition = authored(where, parameters or {}, "where") if where else None
        movers = [check for check in checks if isinstance(check, RowCheck)]
        move = Move(hook, name, quarantine, condition, movers) if quarantine else None
        gate = Gate(hook, Plan(name, checks, condition), move, samples)
        gate.prepare()
        return gate.run(Run(NOW, **known), run_id)

    def findings(self, *checks: Any, **options: Any) -> Sequence[Any]:
        """Return what each check found."""
        return [result.finding for result in self(*checks, **options).results]

    def finding(self, check: Any, **options: Any) -> Any:
        """Return what one check found."""
        (found,) = self.findings(check, **options)
        print(f"{check}: {found}")
        return found


@pytest.fixture
def evaluate(orders: Database) -> Evaluation:
    """Evaluate checks of the orders."""
    return Evaluation(orders)


@pytest.fixture
def gate(run_operator: Callable[..., Any], request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Run the operator on the orders as a task."""
    from updraft.quality import DataQualityOperator  # noqa: PLC0415 -- imports Airflow

    taken = {"params", "logical_date", "data_interval", "xcoms", "try_number", "map_index", "conf"}
    taken |= {"dag_id"}

    def run(*checks: Any, database: Database | None = None, **options: Any) -> Any:
        where = database or request.getfixturevalue("orders")
        of_run = {key: options.pop(key) for key in taken & set(options)}
        defaults = {"task_id": "gate", "table": "orders", "conn_id": where.conn_id}
        operator = DataQualityOperator(**{**defaults, "checks": checks, **options})
        result = run_operator(operator, **of_run)
        print(f"{result.state}: {result.error or result.value}")
        return result

    return run
