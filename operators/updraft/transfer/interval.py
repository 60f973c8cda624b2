"""The interval that an append writes anew: its column, its bounds, and the condition for a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from updraft import sql
from updraft.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

Bound = datetime | str | int


@dataclass(frozen=True, slots=True)
class Interval:
    """Values of a column from `start` on and before `end`.

    Args:
        column: The target's column.
        start: The first value that belongs to it.
        end: The first one that does not. Times are in UTC; texts go to the databases as they are.

    Example:
        >>> print(Interval("day", datetime(2026, 1, 1, tzinfo=UTC), "2026-01-02"))
        day from 2026-01-01T00:00:00+00:00 to before 2026-01-02
        >>> Interval.of_run("day", {})
        Traceback (most recent call last):
        updraft.errors.ConfigurationError: this run has no data interval to append
          where: interval_column='day'
          fix:   schedule by CronDataIntervalTimetable, or set interval_start and interval_end
    """

    column: str
    start: Bound
    end: Bound

    @classmethod
    def of_run(cls, column: str, context: Mapping[str, Any]) -> Interval:
        """Return the data interval of the run.

        Raises:
            ConfigurationError: It has none, or an empty one, as a plain cron schedule gives.
        """
        start, end = context.get("data_interval_start"), context.get("data_interval_end")
        if start is None or end is None or start >= end:
            raise ConfigurationError(
                "this run has no data interval to append",
                where=f"interval_column={column!r}",
                fix="schedule by CronDataIntervalTimetable, or set interval_start and interval_end",
            )
        return cls(column, start.astimezone(UTC), end.astimezone(UTC))

    def condition(self, hook: DbApiHook, column: str, *, named: bool = False) -> str:
        """Return the condition for a row, with two placeholders for `bounds`.

        Args:
            hook: The database's.
            column: The column's name there.
            named: Whether the placeholders are named, for a statement that has such already.
        """
        of_row = sql.literal(hook, sql.quote(hook, column))
        if self._as_sqlite_time(hook):
            of_row = f"datetime({of_row})"  # texts of times compare only in one notation
        if named and hook.placeholder == "?":
            first, last = ":updraft_start", ":updraft_end"
        elif named:
            first, last = "%(updraft_start)s", "%(updraft_end)s"
        else:
            first = last = hook.placeholder
        return f"{of_row} >= {first} AND {of_row} < {last}"

    def bounds(self, hook: DbApiHook) -> dict[str, Bound]:
        """Return the values for the condition's placeholders, in their order."""
        return {
            "updraft_start": self._bound(hook, self.start),
            "updraft_end": self._bound(hook, self.end),
        }

    def _as_sqlite_time(self, hook: DbApiHook) -> bool:
        return hook.dialect_name == "sqlite" and isinstance(self.start, datetime)

    def _bound(self, hook: DbApiHook, value: Bound) -> Bound:
        if not isinstance(value, datetime) or hook.dialect_name == "postgresql":
            return value
        plain = value.astimezone(UTC).replace(tzinfo=None)
        return plain.strftime("%Y-%m-%d %H:%M:%S") if hook.dialect_name == "sqlite" else plain

    def __str__(self) -> str:
        start, end = (
            each.isoformat() if isinstance(each, datetime) else str(each)
            for each in (self.start, self.end)
        )
        return f"{self.column} from {start} to before {end}"
