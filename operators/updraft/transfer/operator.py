"""The operator that moves a table or a query's rows between two connections, safe to run again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

from airflow.sdk import Asset, BaseOperator

from updraft import metrics, sql
from updraft.errors import ConfigurationError
from updraft.transfer.interval import Bound, Interval
from updraft.transfer.matching import Chosen
from updraft.transfer.move import Mode, Moved, Transfer
from updraft.transfer.progress import MIB
from updraft.transfer.sessions import Sessions
from updraft.transfer.source import Parameters, Source

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class CustomDataOperator(BaseOperator):
    """Move the rows of a table or a query into a table of another connection.

    All rows are seen in the target at once, or none; a retry, or a second run of the same
    interval, gives the same target. Rows are streamed: memory doesn't grow with their number.
    Columns and types are compared before a row moves. The target's other writers wait while
    staged rows are applied; its readers don't.

    Args:
        source_conn_id: The connection to read; any with an Airflow SQL hook.
        target_conn_id: The connection to write.
        target_table: `table` or `schema.table`.
        source_table: The table to read; or else:
        sql: The query to read, one SELECT, or the path of a .sql file.
        parameters: Values for the query's placeholders, in the driver's style. They are sent
            apart from the query, so that nothing in them can become SQL.
        mode: "append" deletes the interval in the target and inserts it anew; "upsert" inserts
            rows over those with the same keys; "replace" puts the rows in place of all others.
        keys: For upsert: the target's columns that identify a row, unique there.
        interval_column: For append: the target's column that says which interval a row is of.
        interval_start: The interval's start, in the column's terms; without one, that of the
            run's data interval, in UTC.
        interval_end: Its end; a row at the end is not in it.
        columns: Names of columns to move, or a mapping of the source's names to the target's;
            without it, all that the source gives.
        allow_empty: Let an empty source delete rows of the target in append and replace; else
            that is an error, as it is mostly somebody's mistake.
        batch_rows: Rows in memory at a time, where one of the two is not PostgreSQL.

    Returns:
        `rows`, `bytes`, `seconds` and `deleted`, also in the events of the task's outlets.

    Raises:
        ConfigurationError: Options, connections or tables don't go together.
        SchemaMismatchError: Columns or types don't; it lists each reason.
        DataError: A row is not what the target takes, such as one without its key.
        TransientError: A server was lost or busy: a retry may help.

    Example:
        >>> move = CustomDataOperator(
        ...     task_id="move_orders",
        ...     source_conn_id="shop",
        ...     source_table="public.orders",
        ...     target_conn_id="warehouse",
        ...     target_table="staging.orders",
        ...     mode="append",
        ...     interval_column="placed_at",
        ... )
        >>> move.mode
        'append'
    """

    template_fields: Sequence[str] = (
        "source_conn_id",
        "target_conn_id",
        "source_table",
        "sql",
        "parameters",
        "target_table",
        "interval_start",
        "interval_end",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"sql": "sql", "parameters": "json"}  # noqa: RUF012 -- as the base

    def __init__(  # noqa: PLR0913 -- an operator's options
        self,
        *,
        source_conn_id: str,
        target_conn_id: str,
        target_table: str,
        mode: Mode,
        source_table: str | None = None,
        sql: str | None = None,
        parameters: Parameters = None,
        keys: Sequence[str] = (),
        interval_column: str | None = None,
        interval_start: Bound | None = None,
        interval_end: Bound | None = None,
        columns: Chosen = None,
        allow_empty: bool = False,
        batch_rows: int = 5_000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_conn_id = source_conn_id
        self.target_conn_id = target_conn_id
        self.target_table = target_table
        self.mode = mode
        self.source_table = source_table
        self.sql = sql
        self.parameters = parameters
        self.keys = keys
        self.interval_column = interval_column
        self.interval_start = interval_start
        self.interval_end = interval_end
        self.columns = columns
        self.allow_empty = allow_empty
        self.batch_rows = batch_rows
        self._sessions = Sessions()
        for wrong, what, fix in self._mistakes():
            if wrong:
                raise ConfigurationError(what, where=f"task {self.task_id}", fix=fix)

    @cached_property
    def source_hook(self) -> DbApiHook:
        """The source's hook."""
        return sql.sql_hook(self.source_conn_id)

    @cached_property
    def target_hook(self) -> DbApiHook:
        """The target's hook."""
        return sql.sql_hook(self.target_conn_id)

    def execute(self, context: Context) -> dict[str, float]:
        """Move the rows; what it did goes to the log, metrics, the outlets' events and XCom."""
        transfer = self._transfer(context)
        log.info(
            "moving %s (%s) to %s (%s), mode %s%s",
            transfer.source,
            self.source_conn_id,
            transfer.table,
            self.target_conn_id,
            self.mode,
            f", {transfer.interval}" if transfer.interval else "",
        )
        try:
            moved = transfer.run(self._sessions)
        finally:
            self._sessions.close_all()
        return self._report(moved, context)

    def on_kill(self) -> None:
        """Cancel what runs in both databases."""
        self._sessions.cancel()

    def _mistakes(self) -> Iterator[tuple[bool, str, str]]:
        modes = get_args(Mode)
        bounds = [each for each in (self.interval_start, self.interval_end) if each is not None]
        yield self.mode not in modes, f"there is no mode {self.mode!r}", f"choose of {modes}"
        both = bool(self.source_table) and bool(self.sql)
        neither = not self.source_table and not self.sql
        yield both or neither, "the source is a table or a query", "set source_table= or else sql="
        yield bool(self.parameters) and not self.sql, "parameters are a query's", "set sql= too"
        named = not isinstance(self.keys, str) and not isinstance(self.columns, str)
        yield not named, "keys and columns are lists of names", "write a name as a list of one"
        upsert = self.mode == "upsert"
        yield upsert and not self.keys, "an upsert goes by keys", "set keys="
        yield bool(self.keys) and not upsert, "keys are an upsert's", "set mode='upsert'"
        append = self.mode == "append"
        column = bool(self.interval_column)
        yield append and not column, "an append goes by an interval", "set interval_column="
        yield (column or bool(bounds)) and not append, "an interval is an append's", "leave it out"
        yield len(bounds) == 1, "an interval has a start and an end", "set both, or neither"
        yield self.batch_rows < 1, "a batch has a row or more", "leave batch_rows= out"

    def _transfer(self, context: Context) -> Transfer:
        return Transfer(
            source=Source(
                self.source_hook,
                sql.TableName.parse(self.source_table) if self.source_table else None,
                self.sql or "",
                self.parameters,
            ),
            hook=self.target_hook,
            table=sql.TableName.parse(self.target_table),
            mode=self.mode,
            keys=tuple(self.keys),
            interval=self._interval(context),
            chosen=self.columns,
            allow_empty=self.allow_empty,
            batch_rows=self.batch_rows,
        )

    def _interval(self, context: Mapping[str, Any]) -> Interval | None:
        if not self.interval_column:
            return None
        if self.interval_start is None or self.interval_end is None:
            return Interval.of_run(self.interval_column, context)
        return Interval(self.interval_column, self.interval_start, self.interval_end)

    def _report(self, moved: Moved, context: Context) -> dict[str, float]:
        log.info(
            "moved %s rows, %.1f MiB in %.1f s; %s rows were deleted before",
            f"{moved.rows:,}",
            moved.bytes / MIB,
            moved.seconds,
            f"{moved.deleted:,}",
        )
        tags = {"dag_id": self.dag_id, "task_id": self.task_id}
        metrics.count(metrics.Metric.TRANSFER_ROWS, moved.rows, **tags)
        metrics.count(metrics.Metric.TRANSFER_BYTES, moved.bytes, **tags)
        metrics.duration(metrics.Metric.TRANSFER_DURATION, moved.seconds, **tags)
        result = asdict(moved)
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra.update(result)
        return result
