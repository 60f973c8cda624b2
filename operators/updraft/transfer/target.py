"""Where the rows go: first into a staging table, then, checked, into the target, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from updraft.errors import DataError
from updraft.transfer.failures import told
from updraft.transfer.statements import Statements
from updraft.transfer.values import convert, converters

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    from updraft.sql import Column, TableName
    from updraft.transfer.interval import Interval
    from updraft.transfer.progress import Progress

Batch = Sequence[Sequence[Any]]
# So many duplicate keys are shown; one points to the mistake, some more to its pattern.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Target:
    """A table in one database, and the session that writes into it.

    Args:
        hook: The database's.
        table: The table.
        columns: Its columns that are moved, in the order of the rows' values.
        connection: A fresh session of the hook's.
        where: The place that errors name.

    Example:
        >>> from airflow.providers.postgres.hooks.postgres import PostgresHook
        >>> from airflow.sdk import Connection
        >>> from updraft.sql import TableName
        >>> hook = PostgresHook(connection=Connection(conn_id="dw", conn_type="postgres"))
        >>> Target(hook, TableName("orders"), (), connection=None, where="").statements.lock()
        'LOCK TABLE "orders" IN SHARE ROW EXCLUSIVE MODE'
    """

    hook: DbApiHook
    table: TableName
    columns: Sequence[Column]
    connection: Any
    where: str

    @property
    def statements(self) -> Statements:
        """The SQL for it."""
        return Statements(self.hook, self.table, [each.name for each in self.columns])

    def prepare(self) -> None:
        """Make the staging table; nobody else sees it."""
        self._run(self.statements.create_staging())

    def stage_stream(self, chunks: Iterable[bytes], progress: Progress) -> None:
        """Stage a COPY stream of another PostgreSQL, a row a chunk, as it is."""
        with (
            told(self.where),
            self.connection.cursor() as cursor,
            cursor.copy(self.statements.stage_by_copy()) as copy,
        ):
            for chunk in chunks:
                copy.write(chunk)
                progress.add(1, len(chunk))

    def stage_by_copy(self, batches: Iterable[Batch], progress: Progress) -> None:
        """Stage rows of any database by PostgreSQL's COPY."""
        from psycopg.copy import LibpqWriter  # noqa: PLC0415 -- only where this driver is in use

        class Counting(LibpqWriter):
            def write(self, data: Any) -> None:
                progress.add(0, len(data))
                super().write(data)

        with told(self.where), self.connection.cursor() as cursor:
            writer = Counting(cursor)
            with cursor.copy(self.statements.stage_by_copy(), writer=writer) as copy:
                for rows in self._converted(batches):
                    for row in rows:
                        copy.write_row(row)
                    progress.add(len(rows), 0)

    def stage_by_insert(self, batches: Iterable[Batch], progress: Progress) -> None:
        """Stage rows by INSERT; their size is that of the values as text."""
        with told(self.where), closing(self.connection.cursor()) as cursor:
            for rows in self._converted(batches):
                cursor.executemany(self.statements.stage_by_insert(), rows)
                progress.add(len(rows), sum(len(str(value)) for row in rows for value in row))

    def check_keys(self, keys: Sequence[str]) -> None:
        """Refuse staged rows without a key, or with one that another has too.

        Raises:
            DataError: There are such; it shows some.
        """
        [(missing,)] = self._run(self.statements.without_keys(keys), rows=1)
        if missing:
            raise DataError(
                f"{missing} rows have NULL in a key ({', '.join(keys)})",
                where=self.where,
                fix="leave them out in the source's query, or choose other keys",
            )
        found = self._run(self.statements.duplicates(keys), rows=SHOWN)
        if found:
            shown = "; ".join(
                ", ".join(f"{key}={value!r}" for key, value in zip(keys, row, strict=False))
                + f" ({row[-1]} rows)"
                for row in found
            )
            raise DataError(
                f"the source gives several rows for one key: {shown}",
                where=self.where,
                fix="make the source's rows unique by these keys, or choose other keys",
            )

    def check_interval(self, interval: Interval) -> None:
        """Refuse staged rows that a second run of the interval would not find, and so double.

        Raises:
            DataError: There are such, as a conversion to a coarser type makes them.
        """
        bounds = [*interval.bounds(self.hook).values()]
        [(outside,)] = self._run(self.statements.outside(interval), bounds, rows=1)
        if outside:
            raise DataError(
                f"{outside} rows are outside of {interval} once they are in the target's types",
                where=self.where,
                fix="give both columns the same type, or choose an interval that both can tell",
            )

    def lock(self) -> None:
        """Begin the change: from here to the commit no one else writes into the table."""
        if self.hook.dialect_name == "sqlite":
            self.commit()  # of the staging alone; only the change itself has to be one transaction
        if statement := self.statements.lock():
            self._run(statement)

    def delete(self, interval: Interval | None) -> int:
        """Delete the interval's rows, or all; return how many they were."""
        bounds = [*interval.bounds(self.hook).values()] if interval else []
        return self._changed(self.statements.delete(interval), bounds)

    def insert(self) -> None:
        """Insert what was staged."""
        self._run(self.statements.insert())

    def upsert(self, keys: Sequence[str]) -> None:
        """Insert what was staged, over what has the same keys."""
        self._run(self.statements.upsert(keys))

    def commit(self) -> None:
        """Make it seen, all at once."""
        with told(self.where):
            self.connection.commit()

    def _converted(self, batches: Iterable[Batch]) -> Iterator[list[list[Any]]]:
        by = converters([each.type for each in self.columns], self.hook.dialect_name)
        for rows in batches:
            yield [convert(row, by) for row in rows]

    def _run(
        self, statement: str, parameters: Sequence[Any] = (), *, rows: int = 0
    ) -> list[tuple[Any, ...]]:
        with told(self.where), closing(self.connection.cursor()) as cursor:
            cursor.execute(statement, *([parameters] if parameters else []))
            return [*cursor.fetchmany(rows)] if rows else []

    def _changed(self, statement: str, parameters: Sequence[Any]) -> int:
        with told(self.where), closing(self.connection.cursor()) as cursor:
            cursor.execute(statement, *([parameters] if parameters else []))
            return int(cursor.rowcount)
