"""One connection to the metadata database, that reads and never holds it up."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import psycopg

from updraft.exporter.log import error
from updraft.exporter.queries import QUERIES, STARTS

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]
Answer = TypeVar("Answer")
# Seconds for a connection, and for the answer to a question.
PATIENCE = 5
_GUARD = ("SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = '{PATIENCE}s'")


def address(sqlalchemy: str) -> str:
    """Return the address as PostgreSQL's own library takes it.

    Example:
        >>> address("postgresql+psycopg2://airflow:secret@db/airflow?sslmode=require")
        'postgresql://airflow:secret@db/airflow?sslmode=require'
    """
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", sqlalchemy)


class Database:
    """Asks the metadata database; connects when that is needed.

    Args:
        uri: Where it is.

    Example:
        >>> Database("postgresql://127.0.0.1:1/airflow").read() is None
        {"timestamp": ..., "event": "the metadata database does not answer", ...}
        True
    """

    def __init__(self, uri: str) -> None:
        self._uri = address(uri)
        self._connection: Connection | None = None

    def close(self) -> None:
        """End the connection, where there is one."""
        if self._connection:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def read(self) -> dict[str, list[Row]] | None:
        """Return the answers to all questions by their names; None where the database is away.

        A question that isn't answered in time has no answer; the log names it.
        """
        return self._guarded(self._read)

    def starts(self, since: datetime | None) -> tuple[datetime, list[Row]] | None:
        """Return the present time there, and the tries that began after a moment; or None.

        Args:
            since: The moment; None for none of them.
        """

        def ask(connection: Connection) -> tuple[datetime, list[Row]]:
            now = self._rows(connection, "SELECT now()")[0][0]
            return now, self._rows(connection, STARTS, {"since": since})

        return self._guarded(ask)

    def _guarded(self, ask: Callable[[Connection], Answer]) -> Answer | None:
        try:
            return ask(self._connected())
        except psycopg.Error as fault:
            error("the metadata database does not answer", fault)
            self.close()
            return None

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._uri,
                autocommit=True,
                connect_timeout=PATIENCE,
                # A network that swallows what is sent says nothing: this long it may.
                tcp_user_timeout=PATIENCE * 1000,
                keepalives_idle=PATIENCE,
                application_name="airflow-exporter",
                # PgBouncer hands each transaction to another session.
                prepare_threshold=None,
            )
        return self._connection

    def _read(self, connection: Connection) -> dict[str, list[Row]]:
        found = {}
        for name, query in QUERIES.items():
            try:
                found[name] = self._rows(connection, query)
            except (psycopg.errors.QueryCanceled, psycopg.ProgrammingError) as fault:
                # Others may be answered.
                error(f"no answer to the question {name}", fault)
        return found

    def _rows(
        self,
        connection: Connection,
        query: str,
        params: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        with connection.transaction():
            for statement in _GUARD:
                connection.execute(statement)
            return connection.execute(query, params).fetchall()
