"""The rows under check as SQL: every name quoted, every value a bind parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from updraft.errors import ConfigurationError
from updraft.sql import TableName

# As literals they leave the statement readable.
ZERO: sa.ColumnElement[int] = sa.literal_column("0", sa.Integer)
ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.Integer)

# What may hold a colon that begins no parameter; then a parameter; then any other colon.
_TOKEN = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|::|\\:"""
    r"""|:([^\W\d]\w*)|%\((\w+)\)s|:""",
    re.DOTALL,
)


def quoted(name: str) -> sa.sql.quoted_name:
    """Return an identifier that is quoted whatever is in it."""
    return sa.sql.quoted_name(name, quote=True)


def value(of: object) -> sa.BindParameter[Any]:
    """Return a value as a bind parameter whose type the database infers from what it meets."""
    return sa.bindparam(None, of, type_=sa.types.NULLTYPE)


def relation(table: TableName, columns: Iterable[str]) -> sa.TableClause:
    """Return a table with those of its columns that a statement names."""
    return sa.table(
        quoted(table.name),
        *(sa.column(quoted(name)) for name in columns),
        schema=quoted(table.schema) if table.schema else None,
    )


def authored(sql: str, parameters: Mapping[str, Any], where: str) -> sa.TextClause:
    """Return an author's own SQL with its parameters bound.

    Args:
        sql: A condition or a query, with `:name` where a parameter's value goes, or `%(name)s`. A
            colon in a literal, a quoted name, a comment or a `::` is a colon.
        parameters: The values by name.
        where: What the SQL belongs to, for the error.

    Raises:
        ConfigurationError: A parameter has no value, or a value has no parameter.
    """
    # The line's end keeps a comment at the end from swallowing the parenthesis that follows.
    clause = sa.text(_TOKEN.sub(_bound, sql.strip().rstrip(";")) + "\n")
    named = set(clause.compile().params)
    if named != set(parameters):
        missing, unused = sorted(named - set(parameters)), sorted(set(parameters) - named)
        problems = [f"no value for :{', :'.join(missing)}"] if missing else []
        problems += [f"nothing uses the parameter {', '.join(unused)}"] if unused else []
        raise ConfigurationError(
            f"SQL and its parameters don't fit: {'; '.join(problems)}",
            where=where,
            fix="give each :name of the SQL a value in parameters; write \\: for another colon",
        )
    # Unique names: two pieces of SQL in one statement may both have a :day.
    return clause.bindparams(
        *(
            sa.bindparam(name, of, type_=sa.types.NULLTYPE, unique=True)
            for name, of in parameters.items()
        )
    )


def _bound(match: re.Match[str]) -> str:
    """Return a piece of SQL in which only a parameter begins with a bare colon."""
    if name := match[1] or match[2]:
        return f":{name}"
    return match[0] if match[0] == "\\:" else match[0].replace(":", "\\:")


def joined(texts: Iterable[sa.ColumnElement[Any]], between: str = "") -> sa.ColumnElement[str]:
    """Return texts as one, with the same text between any two."""
    text, *others = texts
    for other in others:
        text = text + (between + other if between else other)
    return text


class Scan:
    """One pass over a table's rows, and what the checks join to it.

    Args:
        table: The table.
        columns: Those of its columns that the statement may name.
        where: Which of its rows, as SQL of the author's; all of them without it.

    Example:
        >>> scan = Scan(TableName("orders"), ["id"])
        >>> " ".join(str(scan.select([sa.func.max(scan.column("id"))])).split())
        'SELECT max(checked."id") AS max_1 FROM (SELECT "orders"."id" AS "id" FROM "orders") AS ...'
    """

    def __init__(
        self, table: TableName, columns: Sequence[str], where: sa.TextClause | None = None
    ) -> None:
        self._source = source = relation(table, columns)
        # A row count alone names no column.
        named: list[sa.ColumnElement[Any]] = [source.c[name] for name in columns]
        named = named or [ONE.label("one")]
        self._rows = sa.select(*named).select_from(source)
        if where is not None:
            self._rows = self._rows.where(where)
        self._checked = self._rows.subquery("checked")
        self._from: sa.FromClause = self._checked

    def column(self, name: str) -> sa.ColumnElement[Any]:
        """Return a column of the rows."""
        return self._checked.c[name]

    def again(self, columns: Iterable[str]) -> sa.Subquery:
        """Return columns of the same rows once more, for a query within the statement."""
        return self._rows.with_only_columns(*(self._source.c[name] for name in columns)).subquery()

    def found(self, name: str, table: TableName, column: str) -> sa.ColumnElement[Any]:
        """Return what another table has for a column's value, NULL where it has nothing.

        Args:
            name: The column of these rows.
            table: The other table.
            column: The column that has the values there.
        """
        other = relation(table, [column])
        # Joined, not sought row by row: linear with or without an index on the other side.
        keys = sa.select(other.c[column].label("key")).distinct().subquery()
        self._from = self._from.outerjoin(keys, keys.c.key == self.column(name))
        return keys.c.key

    def select(self, expressions: Iterable[sa.ColumnElement[Any]]) -> sa.Select[Any]:
        """Return a query of the rows; call it when all is joined."""
        return sa.select(*expressions).select_from(self._from)
