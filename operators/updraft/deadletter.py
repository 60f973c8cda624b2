"""A table of poison records: each with its task, error and data, once however often it ran."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context

from updraft import sql
from updraft.errors import ConfigurationError
from updraft.poison import PoisonRecord

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

# Characters of an error's text; the log has it whole.
_LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class DeadLetterTable:
    """Keeps poison records in a table, made where it is missing.

    A retry, or the same run once more, replaces what the task (its map index, too) kept before,
    in one transaction. The column `record` holds JSON, in which a date or a decimal is its text.

    Args:
        conn_id: A connection with an Airflow SQL hook.
        table: The table's name, `table` or `schema.table`.

    Raises:
        ConfigurationError: The name is none of a table.

    Example:
        >>> print(DeadLetterTable("warehouse", "poison.records"))
        table poison.records of connection warehouse
    """

    conn_id: str
    table: str = "poison_records"

    def __post_init__(self) -> None:
        sql.TableName.parse(self.table)

    def __str__(self) -> str:
        return f"table {self.table} of connection {self.conn_id}"

    def keep(self, poison: Sequence[PoisonRecord]) -> None:
        """Keep the records of this task, instead of those that an earlier try of it kept.

        Args:
            poison: The records; none removes what an earlier try kept.

        Raises:
            ConfigurationError: The connection can't be used, or no task runs.
        """
        task = _task()
        engine = sql.sql_hook(self.conn_id).get_sqlalchemy_engine()
        table = self._table()
        try:
            _create(engine, table)
            with engine.begin() as connection:
                same = [table.c[name] == value for name, value in task.items()]
                connection.execute(table.delete().where(*same))
                if poison:
                    connection.execute(table.insert(), [{**task, **_row(each)} for each in poison])
        finally:
            engine.dispose()

    def _table(self) -> Table:
        from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, Text  # noqa: PLC0415 -- heavy

        name = sql.TableName.parse(self.table)
        return Table(
            name.name,
            MetaData(schema=name.schema),
            Column("dag_id", String(250), primary_key=True),
            Column("run_id", String(250), primary_key=True),
            Column("task_id", String(250), primary_key=True),
            Column("map_index", Integer, primary_key=True, autoincrement=False),
            Column("position", Integer, primary_key=True, autoincrement=False),
            Column("record", Text, nullable=False),
            Column("error_type", String(250), nullable=False),
            Column("error", Text, nullable=False),
            Column("kept_at", DateTime(timezone=True), nullable=False),
        )


def _create(engine: Engine, table: Table) -> None:
    from sqlalchemy import inspect  # noqa: PLC0415 -- heavy

    try:
        table.create(engine, checkfirst=True)
    except Exception:
        # A mapped task beside this one can have made it after the look.
        if not inspect(engine).has_table(table.name, schema=table.schema):
            raise


def _task() -> dict[str, Any]:
    try:
        task = get_current_context()["ti"]
    except RuntimeError:
        raise ConfigurationError(
            "a dead letter table is filled by a running task only",
            where="DeadLetterTable",
            fix="in a test, give the operator or task to run_operator of updraft.testing",
        ) from None
    names = ("dag_id", "run_id", "task_id", "map_index")
    return {name: getattr(task, name) for name in names}


def _row(poison: PoisonRecord) -> dict[str, Any]:
    return {
        "position": poison.position,
        "record": _text(poison.record),
        "error_type": type(poison.error).__name__,
        "error": str(poison.error)[:_LONGEST_ERROR].replace("\0", "�"),
        "kept_at": datetime.now(UTC),
    }


def _text(record: Any) -> str:
    try:
        text = json.dumps(record, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = repr(record)
    # Half a surrogate pair can't be encoded, and no database takes a NUL in a text.
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "�")
