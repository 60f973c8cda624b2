"""Connections, tables and columns of any database with an Airflow SQL hook, names safely quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow.sdk import BaseHook

from updraft.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from sqlalchemy.engine import Inspector

# A part of a name: quoted, with "" for a quote inside, or plain letters, digits, _ and $.
_PART = re.compile(r'"((?:[^"]|"")+)"|([^\W\d][\w$]*)')


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's name, with its schema where it has one.

    Example:
        >>> TableName.parse("sales.orders")
        TableName(name='orders', schema='sales')
        >>> TableName.parse('"bestellungen für märz"').name
        'bestellungen für märz'
        >>> TableName.parse("orders; DROP TABLE orders")
        Traceback (most recent call last):
        updraft.errors.ConfigurationError: not the name of a table
          where: orders; DROP TABLE orders
          fix:   write table or schema.table; quote a part with other characters as in "a b"
    """

    name: str
    schema: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the name that a text gives, `table` or `schema.table`.

        Raises:
            ConfigurationError: It is anything else, such as a piece of SQL.
        """
        parts, at = [], 0
        while match := _PART.match(text, at):
            parts.append((match[1] or "").replace('""', '"') or match[2])
            at = match.end()
            if text[at : at + 1] != "." or at + 1 == len(text):
                break
            at += 1
        if at != len(text) or not 1 <= len(parts) <= 2 or "\0" in text:  # noqa: PLR2004
            raise ConfigurationError(
                "not the name of a table",
                where=text,
                fix='write table or schema.table; quote a part with other characters as in "a b"',
            )
        return cls(parts[-1], parts[0] if len(parts) > 1 else None)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the database describes it.

    Args:
        name: Its name.
        type: Its type in the database's own words; empty where the database can't tell.
        nullable: Whether it takes NULL.
        has_default: Whether the database fills it where an INSERT leaves it out.
        generated: Whether the database alone may fill it.

    Example:
        >>> Column("id", "bigint", nullable=False).name
        'id'
    """

    name: str
    type: str
    nullable: bool
    has_default: bool = False
    generated: bool = False


def sql_hook(conn_id: str) -> DbApiHook:
    """Return the SQL hook of a connection.

    Raises:
        ConfigurationError: There is no such connection, or it is not a database's.
    """
    from airflow.providers.common.sql.hooks.sql import DbApiHook  # noqa: PLC0415 -- heavy

    try:
        hook = BaseHook.get_hook(conn_id)
    except Exception as error:
        raise ConfigurationError(
            f"the connection can't be used: {error}",
            where=conn_id,
            fix="make it in Airflow's UI (Admin, Connections) or as AIRFLOW_CONN_"
            f"{conn_id.upper()}, with a type whose provider is installed",
        ) from error
    if not isinstance(hook, DbApiHook):
        raise ConfigurationError(
            f"the connection's type has no SQL hook ({type(hook).__name__})",
            where=conn_id,
            fix="name a connection to a database",
        )
    return hook


def quote(hook: DbApiHook, *names: str) -> str:
    """Return identifiers quoted for the hook's database, joined by dots.

    Always quoted, whatever is in them: a name can't become SQL. Where the statement is run with
    parameters and the hook's placeholder is %s, pass the text through `literal` too.

    Raises:
        ConfigurationError: A name is empty or has a NUL in it, which no database takes.
    """
    for name in names:
        if not name or "\0" in name:
            raise ConfigurationError("not a name", where=repr(name), fix="name a table or a column")
    preparer = hook.get_sqlalchemy_engine().dialect.identifier_preparer
    return ".".join(
        preparer.initial_quote
        + name.replace(preparer.escape_quote, preparer.escape_to_quote)
        + preparer.final_quote
        for name in names
    )


def literal(hook: DbApiHook, text: str) -> str:
    """Return SQL in which the hook's driver finds no placeholder, for running with parameters."""
    return text.replace("%", "%%") if hook.placeholder == "%s" else text


def quote_table(hook: DbApiHook, table: TableName) -> str:
    """Return a table's name quoted, its schema before it."""
    return quote(hook, *(part for part in (table.schema, table.name) if part))


def columns(hook: DbApiHook, table: TableName) -> tuple[Column, ...]:
    """Return a table's columns, in their order.

    Raises:
        ConfigurationError: There is no such table, or the connection may not see it.
    """
    if hook.dialect_name == "postgresql":
        found = tuple(Column(*row) for row in _catalogue(hook, _POSTGRES_COLUMNS, table))
    else:
        found = _inspected_columns(hook, table)
    if not found:
        raise ConfigurationError(
            f"there is no table {table}, or the connection's user may not see it",
            where=f"connection {hook.get_conn_id()}",
            fix="create it, or name its schema too",
        )
    return found


def unique_keys(hook: DbApiHook, table: TableName) -> tuple[frozenset[str], ...]:
    """Return the sets of columns that the table keeps unique, its primary key among them.

    Only what holds for every row counts: no partial index, and no deferrable constraint.
    """
    if hook.dialect_name == "postgresql":
        return tuple(frozenset(row[0]) for row in _catalogue(hook, _POSTGRES_UNIQUE, table))
    with _inspector(hook) as inspector:
        name, schema = table.name, table.schema
        constraints = inspector.get_unique_constraints(name, schema)
        indexes = inspector.get_indexes(name, schema)
        found: list[Sequence[str | None]] = [
            inspector.get_pk_constraint(name, schema)["constrained_columns"],
            *(each["column_names"] for each in constraints),
            *(each["column_names"] for each in indexes if _is_whole(each)),
        ]
    return tuple(frozenset(filter(None, each)) for each in found if each)


def _is_whole(index: Any) -> bool:
    """Whether an index keeps every row unique by its columns, not by expressions of them."""
    partial = any(name.endswith("_where") for name in index.get("dialect_options", ()))
    return bool(index["unique"]) and None not in index["column_names"] and not partial


# SQLAlchemy doesn't know every type of an extension, nor the search path of the connection.
_POSTGRES_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull,
           atthasdef OR attidentity <> '', attgenerated <> '' OR attidentity = 'a'
    FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
_POSTGRES_UNIQUE = """
    SELECT array_agg(attname::text)
    FROM pg_index
    JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey[0:indnkeyatts - 1])
    WHERE indrelid = to_regclass(%s)
      AND indisunique AND indimmediate AND indisvalid AND indpred IS NULL AND indexprs IS NULL
    GROUP BY indexrelid
"""


def _catalogue(hook: DbApiHook, statement: str, table: TableName) -> list[tuple[Any, ...]]:
    with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(statement, (quote_table(hook, table),))
        # A connection may be set to give dictionaries.
        return [tuple(row.values()) if isinstance(row, dict) else row for row in cursor.fetchall()]


def _inspected_columns(hook: DbApiHook, table: TableName) -> tuple[Column, ...]:
    from sqlalchemy.exc import NoSuchTableError  # noqa: PLC0415 -- heavy

    with _inspector(hook) as inspector:
        if table.schema and table.schema not in inspector.get_schema_names():
            return ()  # SQLite calls that an error of its own
        try:
            found = inspector.get_columns(table.name, schema=table.schema)
        except NoSuchTableError:
            return ()
    return tuple(
        Column(
            each["name"],
            str(each["type"]),
            nullable=bool(each.get("nullable", True)),
            has_default=each.get("default") is not None or "identity" in each,
            generated="computed" in each,
        )
        for each in found
    )


@contextmanager
def _inspector(hook: DbApiHook) -> Iterator[Inspector]:
    from sqlalchemy import inspect  # noqa: PLC0415 -- heavy

    engine = hook.get_sqlalchemy_engine()
    try:
        yield inspect(engine)
    finally:
        engine.dispose()
