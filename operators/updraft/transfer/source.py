"""Where the rows come from: a table or a query, described before it is read, read as a stream."""

# ruff: noqa: S608 -- every name is quoted; a query is the author's
from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from updraft import sql
from updraft.errors import ConfigurationError, SourceUnavailableError
from updraft.transfer.failures import told
from updraft.transfer.sessions import driver

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    from updraft.transfer.interval import Interval

Parameters = Mapping[str, Any] | Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class Select:
    """A statement and what goes into its placeholders.

    Example:
        >>> Select("SELECT 1", None).text
        'SELECT 1'
    """

    text: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Source:
    """A table or a query in one database.

    Args:
        hook: The database's.
        table: The table; None for a query.
        query: One SELECT; empty for a table.
        parameters: Values for the query's placeholders, in the driver's own style.

    Example:
        >>> from airflow.providers.postgres.hooks.postgres import PostgresHook
        >>> from airflow.sdk import Connection
        >>> hook = PostgresHook(connection=Connection(conn_id="shop", conn_type="postgres"))
        >>> Source(hook, sql.TableName("orders")).select(["id"], None).text
        'SELECT "id" FROM "orders" moved'
    """

    hook: DbApiHook
    table: sql.TableName | None
    query: str = ""
    parameters: Parameters = None

    @property
    def where(self) -> str:
        """The place that errors name."""
        return f"source, connection {self.hook.get_conn_id()}"

    def __str__(self) -> str:
        return str(self.table) if self.table else "a query"

    def columns(self, connection: Any) -> tuple[sql.Column, ...]:
        """Return the columns that it gives, without reading a row.

        Raises:
            ConfigurationError: There is no such table, or the query is wrong.
        """
        with told(self.where, transient=SourceUnavailableError):
            if self.table and driver(connection) != "psycopg":
                return sql.columns(self.hook, self.table)
            with closing(connection.cursor()) as cursor:
                everything = self.select(("*",), None)
                _execute(cursor, Select(f"{everything.text} WHERE 1 = 0", everything.parameters))
                described = [*cursor.description]
                types = [""] * len(described)
                if driver(connection) == "psycopg":
                    types = _postgres_types(cursor, [each.type_code for each in described])
        return tuple(
            sql.Column(each[0], type_name, nullable=True)
            for each, type_name in zip(described, types, strict=True)
        )

    def select(self, names: Sequence[str], interval: Interval | None, column: str = "") -> Select:
        """Return the statement that gives these columns of the rows, of one interval's alone.

        Args:
            names: The columns' names, or `*` alone.
            interval: None for all rows.
            column: The source's name of the interval's column.
        """
        listed = "*" if [*names] == ["*"] else ", ".join(sql.quote(self.hook, x) for x in names)
        inner = sql.quote_table(self.hook, self.table) if self.table else f"(\n{self._one()}\n)"
        if interval is None:
            return Select(f"SELECT {listed} FROM {inner} moved", self.parameters)
        named = isinstance(self.parameters, Mapping)
        if not self.parameters:  # then nothing in the query is a placeholder yet
            inner = sql.literal(self.hook, inner)
        bounds = interval.bounds(self.hook)
        condition = interval.condition(self.hook, column, named=named)
        return Select(
            f"SELECT {sql.literal(self.hook, listed)} FROM {inner} moved WHERE {condition}",
            {**self.parameters, **bounds}
            if isinstance(self.parameters, Mapping)
            else [*(self.parameters or ()), *bounds.values()],
        )

    def batches(self, connection: Any, select: Select, size: int) -> Generator[list[Any]]:
        """Yield the rows in lists of `size`, never more than one of them in memory."""
        with (
            told(self.where, transient=SourceUnavailableError),
            closing(_streaming_cursor(connection)) as cursor,
        ):
            _execute(cursor, select)
            while rows := cursor.fetchmany(size):
                yield rows

    def stream(self, connection: Any, select: Select) -> Generator[bytes]:
        """Yield the rows as PostgreSQL's COPY gives them in text, one a chunk."""
        statement = f"COPY ({select.text}) TO STDOUT"
        with (
            told(self.where, transient=SourceUnavailableError),
            connection.cursor() as cursor,
            cursor.copy(statement, select.parameters or None) as copy,
        ):
            yield from copy

    def _one(self) -> str:
        import sqlparse  # noqa: PLC0415 -- heavy; the SQL hooks have loaded it by now

        statements = [each for each in sqlparse.split(self.query) if each.strip(" ;\n\t")]
        if len(statements) != 1:
            raise ConfigurationError(
                f"the source is not one query but {len(statements)} statements",
                where=self.where,
                fix="write one SELECT; what prepares it belongs in a task of its own",
            )
        return str(statements[0]).rstrip("; \n\t")


def _execute(cursor: Any, select: Select) -> None:
    if select.parameters:
        cursor.execute(select.text, select.parameters)
    else:
        cursor.execute(select.text)


def _streaming_cursor(connection: Any) -> Any:
    """A cursor that leaves the rows in the server until they are fetched."""
    package = driver(connection)
    if package == "psycopg":
        return connection.cursor(name="updraft_source")
    if package in ("MySQLdb", "pymysql"):
        return connection.cursor(import_module(f"{package}.cursors").SSCursor)
    return connection.cursor()


def _postgres_types(cursor: Any, oids: list[int]) -> list[str]:
    """The types' names in the server's words: a user's own types have no fixed numbers."""
    cursor.execute(
        "SELECT format_type(oid, NULL) FROM unnest(%s::oid[]) WITH ORDINALITY t(oid, n) ORDER BY n",
        (oids,),
    )
    return [row[0] for row in cursor.fetchall()]
