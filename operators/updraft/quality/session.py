"""One connection to the database under check: statements compiled for it, cancelled with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from updraft.classify import is_permanent
from updraft.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from sqlalchemy.sql import ClauseElement

_CANCEL_SECONDS = 5.0
# SQLite's steps between two looks at Python's signals, which else wait for the statement's end.
_SQLITE_STEPS = 100_000


class Session:
    """A connection of a hook for one transaction, undone unless it is committed.

    Args:
        hook: Whose connection.
        write: Whether it may change anything. Otherwise the database itself refuses to.

    Raises:
        ConfigurationError: From `rows` and `run`: the database does not take the statement.

    Example:
        >>> import os
        >>> import sqlalchemy as sa
        >>> from updraft.sql import sql_hook
        >>> os.environ["AIRFLOW_CONN_MEMORY"] = "sqlite:///:memory:"
        >>> with Session(sql_hook("memory")) as session:
        ...     session.rows(sa.select(sa.literal(7)))
        [(7,)]
    """

    def __init__(self, hook: DbApiHook, *, write: bool = False) -> None:
        self._where = f"connection {hook.get_conn_id()}"
        self._dialect = hook.get_sqlalchemy_engine().dialect
        self._connection: Any = hook.get_conn()
        if self.database == "sqlite":
            self._connection.isolation_level = None  # no BEGIN of the driver's own
            self._connection.set_progress_handler(lambda: 0, _SQLITE_STEPS)
            self._connection.execute("BEGIN IMMEDIATE" if write else "PRAGMA query_only = ON")
        elif hasattr(self._connection, "read_only"):  # psycopg, which says so in its BEGIN
            self._connection.read_only = not write

    @property
    def database(self) -> str:
        """The kind of database, such as postgresql or sqlite."""
        return self._dialect.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self._connection.close()

    def text(self, statement: ClauseElement) -> str:
        """Return a statement as the database gets it, placeholders in place of values."""
        return str(self._compiled(statement))

    def rows(self, statement: ClauseElement) -> list[tuple[Any, ...]]:
        """Return a query's rows."""
        with self._executed(statement) as cursor:
            # A connection may be set to give dictionaries.
            return [
                tuple(row.values()) if isinstance(row, dict) else tuple(row)
                for row in cursor.fetchall()
            ]

    def run(self, statement: ClauseElement) -> int:
        """Run a statement; return how many rows it changed."""
        with self._executed(statement) as cursor:
            return int(cursor.rowcount)

    def commit(self) -> None:
        """Keep what was done."""
        self._connection.commit()

    def cancel(self) -> None:
        """End the statement that runs now, where the driver can; safe in a signal handler."""
        with suppress(Exception):
            if hasattr(self._connection, "cancel_safe"):  # psycopg
                self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
            else:
                self._connection.interrupt()  # SQLite

    def _compiled(self, statement: ClauseElement) -> Any:
        return statement.compile(dialect=self._dialect)

    @contextmanager
    def _executed(self, statement: ClauseElement) -> Iterator[Any]:
        compiled = self._compiled(statement)
        # DDL has no parameters; with an empty mapping a driver still reads %% as %.
        values = {name: self._bindable(of) for name, of in (compiled.params or {}).items()}
        places = compiled.positiontup if getattr(compiled, "positional", False) else None
        cursor = self._connection.cursor()
        try:
            cursor.execute(
                str(compiled), values if places is None else [values[each] for each in places]
            )
            yield cursor
        except Exception as error:
            # SQLite calls every mistake in SQL by this name.
            sqlite = getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR"
            if not (is_permanent(error) or sqlite):
                raise
            raise ConfigurationError(
                f"the database refuses the statement: {' '.join(str(error).split())}",
                where=self._where,
                fix="correct the SQL, the values' types or the rights of the connection's user",
            ) from error
        finally:
            cursor.close()

    def _bindable(self, of: Any) -> Any:
        """Return a value as the driver takes it: SQLite knows neither times nor decimals."""
        if self.database != "sqlite":
            return of
        if isinstance(of, datetime):
            return of.isoformat(" ")
        return str(of) if isinstance(of, date | Decimal) else of
