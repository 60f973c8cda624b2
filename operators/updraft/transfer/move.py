"""One transfer from start to end: describe, match, stage, check, apply, commit."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from updraft import sql
from updraft.errors import ConfigurationError, DataError, SourceUnavailableError
from updraft.transfer.failures import told
from updraft.transfer.matching import Chosen, Pair, match
from updraft.transfer.progress import Progress
from updraft.transfer.sessions import Sessions, driver
from updraft.transfer.source import Source
from updraft.transfer.statements import ON_CONFLICT, Statements
from updraft.transfer.target import Target

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    from updraft.transfer.interval import Interval

log = logging.getLogger(__name__)

Mode = Literal["append", "upsert", "replace"]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a transfer did.

    Args:
        rows: How many rows the source gave, and the target has from it.
        bytes: The size of what was streamed to the target.
        seconds: From the first connection to the commit.
        deleted: How many rows of the target went before, in append and replace.

    Example:
        >>> Moved(rows=2, bytes=64, seconds=0.5, deleted=0).rows
        2
    """

    rows: int
    bytes: int
    seconds: float
    deleted: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """All that a transfer needs to know.

    Args:
        source: Where the rows come from.
        hook: The target database's.
        table: The target.
        mode: How staged rows get into it.
        keys: The target's columns that an upsert goes by.
        interval: What an append writes anew.
        chosen: The columns to move; None for all that the source gives.
        allow_empty: Whether an empty source may delete rows of the target.
        batch_rows: How many rows are in memory at a time, where one side is not PostgreSQL.

    Example:
        >>> from airflow.providers.postgres.hooks.postgres import PostgresHook
        >>> from airflow.sdk import Connection
        >>> hook = PostgresHook(connection=Connection(conn_id="shop", conn_type="postgres"))
        >>> orders = sql.TableName("orders")
        >>> Transfer(Source(hook, orders), hook, orders, "upsert", keys=["id"]).keys
        ['id']
    """

    source: Source
    hook: DbApiHook
    table: sql.TableName
    mode: Mode
    keys: Sequence[str] = ()
    interval: Interval | None = None
    chosen: Chosen = None
    allow_empty: bool = False
    batch_rows: int = 5_000

    @property
    def where(self) -> str:
        """The place that errors about the target name."""
        return f"target {self.table}, connection {self.hook.get_conn_id()}"

    def run(self, sessions: Sessions) -> Moved:
        """Move the rows: all of them, in one transaction of the target.

        Args:
            sessions: Takes the connections, for whoever cancels; the caller closes them.

        Raises:
            ConfigurationError: Source, target and options don't go together; nothing was changed.
            DataError: A row is not what the target takes; nothing was changed.
            TransientError: A server went away or the like; nothing was changed.
        """
        progress = Progress()
        with told(self.where):
            columns = sql.columns(self.hook, self.table)
        with told(self.source.where, transient=SourceUnavailableError):
            giving = sessions.open(self.source.hook, read_only=True)
        pairs = self._match(self.source.columns(giving), columns)
        self._check_unique()
        with told(self.where):
            taking = sessions.open(self.hook)
        target = Target(self.hook, self.table, [x.target for x in pairs], taking, self.where)
        target.prepare()
        self._stage(giving, target, pairs, sessions, progress)
        sessions.close(giving)  # where both are one SQLite file, its lock has to go
        self._check_staged(target)
        log.info("staged %s; waiting for the lock on %s", str(progress), self.table)
        deleted = self._apply(target, sessions, progress.rows)
        return Moved(progress.rows, progress.bytes, round(progress.seconds, 3), deleted)

    def _match(
        self, source: Sequence[sql.Column], target: Sequence[sql.Column]
    ) -> tuple[Pair, ...]:
        needed = [*self.keys, *([self.interval.column] if self.interval else [])]
        return match(
            source,
            target,
            chosen=self.chosen,
            needed=needed,
            sqlite="sqlite" in (self.source.hook.dialect_name, self.hook.dialect_name),
            where=f"{self.source} ({self.source.hook.get_conn_id()}) to "
            f"{self.table} ({self.hook.get_conn_id()})",
        )

    def _check_unique(self) -> None:
        if self.mode != "upsert":
            return
        if self.hook.dialect_name not in ON_CONFLICT:
            raise ConfigurationError(
                f"upsert is not made for {self.hook.dialect_name}",
                where=self.where,
                fix="choose append or replace, or a target in PostgreSQL or SQLite",
            )
        with told(self.where):
            unique = sql.unique_keys(self.hook, self.table)
        if frozenset(self.keys) not in unique:
            statement = Statements(self.hook, self.table, ()).unique_index(self.keys)
            raise ConfigurationError(
                f"the target doesn't keep ({', '.join(self.keys)}) unique",
                where=self.where,
                fix=f"run there: {statement}",
            )

    def _stage(
        self,
        giving: Any,
        target: Target,
        pairs: Sequence[Pair],
        sessions: Sessions,
        progress: Progress,
    ) -> None:
        column = ""
        if self.interval:
            [column] = [x.source.name for x in pairs if x.target.name == self.interval.column]
        select = self.source.select([x.source.name for x in pairs], self.interval, column)
        if driver(giving) == driver(target.connection) == "psycopg":
            with closing(self.source.stream(giving, select)) as chunks:
                target.stage_stream(chunks, progress)
            return
        with closing(self.source.batches(giving, select, self.batch_rows)) as batches:
            if driver(target.connection) == "psycopg":
                target.stage_by_copy(_until_cancelled(batches, sessions), progress)
            else:
                target.stage_by_insert(_until_cancelled(batches, sessions), progress)

    def _check_staged(self, target: Target) -> None:
        if self.keys:
            target.check_keys(self.keys)
        if self.interval:
            target.check_interval(self.interval)

    def _apply(self, target: Target, sessions: Sessions, staged: int) -> int:
        target.lock()
        deleted = 0
        if self.mode == "upsert":
            target.upsert(self.keys)
        else:
            deleted = target.delete(self.interval)
            if deleted and not staged and not self.allow_empty:
                raise DataError(
                    f"the source gave no rows, and {self.mode} would delete {deleted}",
                    where=target.where,
                    fix="look why the source is empty; where that is right, set allow_empty=True",
                )
            target.insert()
        sessions.check()
        target.commit()
        return deleted


def _until_cancelled(batches: Iterable[list[Any]], sessions: Sessions) -> Iterator[list[Any]]:
    for rows in batches:
        sessions.check()
        yield rows
