"""The database sessions of one transfer: opened with known settings, cancelled together, closed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from updraft.errors import TransientError

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

# Both sides of a COPY have to write and read values alike, whatever their servers' defaults are.
_SETTINGS = """
    SET LOCAL client_encoding TO 'UTF8'; SET LOCAL timezone TO 'UTC';
    SET LOCAL datestyle TO 'ISO, YMD'; SET LOCAL intervalstyle TO 'postgres';
    SET LOCAL bytea_output TO 'hex'; SET LOCAL extra_float_digits TO 1
"""
# Lets a server end the statement of a client that has died, and with it its locks. Servers before
# PostgreSQL 14, and those on some systems, can't.
_NOTICE_DEAD_CLIENT = "SET LOCAL client_connection_check_interval TO '2s'"
_CANCEL_SECONDS = 5.0


def driver(connection: Any) -> str:
    """The package of the driver that a connection comes from, such as `psycopg`."""
    return type(connection).__module__.partition(".")[0]


class Sessions:
    """Connections that end together.

    Example:
        >>> sessions = Sessions()
        >>> sessions.cancel()
        >>> sessions.check()
        Traceback (most recent call last):
        updraft.errors.TransientError: the transfer was cancelled
          fix:   start the task again; the target is as it was
    """

    def __init__(self) -> None:
        self._open: list[Any] = []
        self._cancelled = False

    def open(self, hook: DbApiHook, *, read_only: bool = False) -> Any:
        """Return a new connection of a hook, ready for one transaction.

        Args:
            hook: Whose connection.
            read_only: Whether the transaction must change nothing, where the driver can see to it.
        """
        connection: Any = hook.get_conn()
        self._open.append(connection)
        if driver(connection) == "psycopg":
            _prepare_postgres(connection, read_only=read_only)
        self.check()  # whoever cancelled while it was being opened didn't find it
        return connection

    def check(self) -> None:
        """Stop here if the transfer was cancelled.

        Raises:
            TransientError: It was.
        """
        if self._cancelled:
            raise TransientError(
                "the transfer was cancelled", fix="start the task again; the target is as it was"
            )

    def cancel(self) -> None:
        """End what runs in the databases now; safe in a signal handler."""
        self._cancelled = True
        for connection in self._open:
            # A connection that has gone already runs nothing.
            with suppress(Exception):
                _cancel(connection)

    def close(self, connection: Any) -> None:
        """Close a connection; what was not committed is undone."""
        self._open.remove(connection)
        with suppress(Exception):
            connection.close()

    def close_all(self) -> None:
        """Close every connection."""
        for connection in [*self._open]:
            self.close(connection)


def _prepare_postgres(connection: Any, *, read_only: bool) -> None:
    from psycopg import DataError, IsolationLevel, ProgrammingError  # noqa: PLC0415 -- only where this driver is in use
    from psycopg.rows import tuple_row  # noqa: PLC0415 -- likewise
    from psycopg.types.string import TextLoader  # noqa: PLC0415 -- likewise

    connection.read_only = read_only
    # So that what is done under the lock sees what others committed while we waited for it.
    connection.isolation_level = IsolationLevel.READ_COMMITTED
    connection.row_factory = tuple_row  # a connection may be set to give dictionaries
    for name in ("json", "jsonb"):
        connection.adapters.register_loader(name, TextLoader)  # as it is, to the last digit
    connection.execute(_SETTINGS)
    with suppress(ProgrammingError, DataError), connection.transaction():
        connection.execute(_NOTICE_DEAD_CLIENT)


def _cancel(connection: Any) -> None:
    if hasattr(connection, "cancel_safe"):  # psycopg
        connection.cancel_safe(timeout=_CANCEL_SECONDS)
    elif hasattr(connection, "interrupt"):  # SQLite
        connection.interrupt()
    else:  # what most other drivers call it
        connection.cancel()
