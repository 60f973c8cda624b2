"""Connections, tables and columns of any database with an Airflow SQL hook, names safely quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from airflow.sdk import BaseHook

from updraft.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

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

    Example:
        >>> Column("id", "BIGINT", nullable=False).name
        'id'
    """

    name: str
    type: str
    nullable: bool


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

    Always quoted, whatever is in them: a name can't become SQL.
    """
    preparer = hook.get_sqlalchemy_engine().dialect.identifier_preparer
    return ".".join(preparer.quote_identifier(name) for name in names)


def quote_table(hook: DbApiHook, table: TableName) -> str:
    """Return a table's name quoted, its schema before it."""
    return quote(hook, *(part for part in (table.schema, table.name) if part))


def columns(hook: DbApiHook, table: TableName) -> tuple[Column, ...]:
    """Return a table's columns, in their order.

    Raises:
        ConfigurationError: There is no such table, or the connection may not see it.
    """
    from sqlalchemy.exc import NoSuchTableError  # noqa: PLC0415 -- heavy

    try:
        found = hook.inspector.get_columns(table.name, schema=table.schema)
    except NoSuchTableError:
        found = []
    if not found:
        raise ConfigurationError(
            f"there is no table {table}, or the connection's user may not see it",
            where=f"connection {hook.get_conn_id()}",
            fix="create it, or name its schema too",
        )
    return tuple(
        Column(each["name"], str(each["type"]), nullable=bool(each.get("nullable", True)))
        for each in found
    )
