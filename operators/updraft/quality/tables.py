"""The checks of a table as a whole: its number of rows, its freshness, and SQL of one's own."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal

import sqlalchemy as sa

from updraft.errors import ConfigurationError
from updraft.quality.base import Check, Finding, Run, is_template, names, require
from updraft.quality.scan import Scan, authored

# More would make the XCom that carries them large.
_MOST_RUNS = 100


@dataclass(frozen=True, repr=False)
class RowCount(Check):
    """There are at least and at most so many rows.

    Args:
        min: The least number that is right, or a template for it.
        max: The greatest number that is right, or a template for it.

    Example:
        >>> from datetime import UTC, datetime
        >>> RowCount(min=1).judge(0, 0, Run(datetime.now(UTC))).holds
        False
    """

    kind: ClassVar[str] = "row_count"
    _: KW_ONLY
    min: int | str | None = None
    max: int | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        fix = "give min, max or both, whole numbers from 0, min not above max"
        if is_template(self.min) or is_template(self.max):
            return
        try:
            low, high = self._bounds()
        except (TypeError, ValueError) as error:
            raise ConfigurationError(
                f"no numbers: min {self.min!r}, max {self.max!r}", where=self.title, fix=fix
            ) from error
        require(not (low is None and high is None), "a count without bounds", self.title, fix)
        require(
            (low is None or low >= 0) and (high is None or high >= (low or 0)),
            f"no number of rows is at least {low} and at most {high}",
            self.title,
            fix,
        )

    def measure(self, scan: Scan) -> sa.ColumnElement[Any]:  # noqa: ARG002 -- of all rows
        """Return the number of rows."""
        return sa.func.count()

    def judge(self, measured: Any, rows: int, run: Run) -> Finding:  # noqa: ARG002 -- of itself
        """Return whether the number lies within the bounds; an empty table counts as 0."""
        low, high = self._bounds()
        expected = [] if low is None else [f"at least {low}"]
        expected += [] if high is None else [f"at most {high}"]
        holds = (low is None or rows >= low) and (high is None or rows <= high)
        return Finding(holds, rows, ", ".join(expected))

    def _bounds(self) -> list[int | None]:
        """Return the bounds as numbers, which Jinja renders as text."""
        return [None if each is None else int(each) for each in (self.min, self.max)]


@dataclass(frozen=True, repr=False)
class RowCountChange(Check):
    """The number of rows is close to what it was in the last runs.

    It is compared with the median of the last runs whose task succeeded. They are kept in the
    task's own XCom, where a task pod reaches them through Airflow's API without the database of
    Airflow and without writing to the one under check. A run sees those of earlier dates only, so
    a backfill is not compared with what came after it. A count that fails the task is not kept:
    where a new level is right, give the check another name, and it starts anew.

    Args:
        tolerance: How far the number may be from the median, as a part of it: 0.2 is 20 percent.
        runs: How many of the last runs count.
        min_runs: How many there must be before the check can fail.

    Example:
        >>> from datetime import UTC, datetime
        >>> run = Run(datetime.now(UTC), counts={"row_count_change": [100, 104, 98]})
        >>> RowCountChange(tolerance=0.2).judge(70, 70, run).expected
        '80 to 120 rows, the median of 3 runs +-20%'
    """

    kind: ClassVar[str] = "row_count_change"
    _: KW_ONLY
    tolerance: float
    runs: int = 7
    min_runs: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.tolerance >= 0, "a tolerance below 0", self.title, "0.2 means 20 percent")
        require(
            1 <= self.min_runs <= self.runs <= _MOST_RUNS,
            f"min_runs {self.min_runs} of runs {self.runs}",
            self.title,
            f"choose 1 <= min_runs <= runs <= {_MOST_RUNS}",
        )

    def measure(self, scan: Scan) -> sa.ColumnElement[Any]:  # noqa: ARG002 -- of all rows
        """Return the number of rows."""
        return sa.func.count()

    def judge(self, measured: Any, rows: int, run: Run) -> Finding:  # noqa: ARG002 -- of itself
        """Return whether the number is near those of earlier runs; an empty table counts as 0."""
        earlier = tuple(run.counts.get(self.title, ()))[-self.runs :]
        kept = (*earlier, rows)
        if len(earlier) < self.min_runs:
            known = f"not known: {len(earlier)} of {self.min_runs} earlier runs"
            return Finding(True, rows, known, counts=kept)
        usual = statistics.median(earlier)
        margin = usual * self.tolerance
        expected = (
            f"{usual - margin:g} to {usual + margin:g} rows, "
            f"the median of {len(earlier)} runs +-{self.tolerance:.0%}"
        )
        return Finding(abs(rows - usual) <= margin, rows, expected, counts=kept)


@dataclass(frozen=True, repr=False)
class Fresh(Check):
    """The newest row is not too old; a table without rows, or with NULLs alone, is not fresh.

    Args:
        column: The column that tells a row's time: a timestamp, a date, a text in ISO 8601, or
            seconds since 1970. A time without a zone is taken for UTC.
        max_age: How old the newest row may be.
        relative_to: "now", or the end of the run's data interval, which is what a backfill needs.

    Example:
        >>> Fresh("updated_at", timedelta(hours=6)).title
        'fresh(updated_at)'
    """

    kind: ClassVar[str] = "fresh"
    column: str
    max_age: timedelta
    _: KW_ONLY
    relative_to: Literal["now", "data_interval_end"] = "now"

    def __post_init__(self) -> None:
        names(self.column, self.kind)
        super().__post_init__()
        require(
            isinstance(self.max_age, timedelta) and self.max_age >= timedelta(0),
            f"not an age: {self.max_age!r}",
            self.title,
            "give a timedelta of 0 or more",
        )
        require(
            self.relative_to in ("now", "data_interval_end"),
            f"relative to what? {self.relative_to!r}",
            self.title,
            "say now or data_interval_end",
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns that it looks at."""
        return (self.column,)

    def measure(self, scan: Scan) -> sa.ColumnElement[Any]:
        """Return the newest time."""
        return sa.func.max(scan.column(self.column))

    def judge(self, measured: Any, rows: int, run: Run) -> Finding:  # noqa: ARG002 -- the newest
        """Return whether the newest row is new enough."""
        end = run.now if self.relative_to == "now" else run.interval_end
        if end is None:
            raise ConfigurationError(
                "this run has no data interval",
                where=self.title,
                fix="schedule the DAG by time, or say relative_to='now'",
            )
        oldest = end.astimezone(UTC) - self.max_age
        expected = f"{oldest.isoformat(' ', 'seconds')} or later"
        if measured is None:
            return Finding(False, None, expected)
        newest = self._moment(measured)
        return Finding(newest >= oldest, newest.isoformat(" ", "seconds"), expected)

    def _moment(self, of: Any) -> datetime:
        """Return a database's idea of a time as one in UTC."""
        try:
            if isinstance(of, int | float):
                return datetime.fromtimestamp(of, UTC)
            found = datetime.fromisoformat(of) if isinstance(of, str) else of
            if not isinstance(found, datetime) and isinstance(found, date):
                found = datetime.combine(found, time())
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (AttributeError, ValueError, OverflowError) as error:
            raise ConfigurationError(
                f"the column holds no times but {type(of).__name__}",
                where=self.title,
                fix="name a timestamp, a date, a text in ISO 8601 or seconds since 1970",
            ) from error


@dataclass(frozen=True, repr=False)
class CustomSql(Check):
    """A query of one's own, which returns one value: how many rows offend, or whether it holds.

    It is evaluated with the other checks in one statement, in a transaction that may only read.
    A query that returns no row or NULL does not hold: nothing is known.

    Args:
        sql: The query, or a path that ends in .sql. It sees the whole database: `where` of the
            operator does not apply to it.
        parameters: Values for `:name` in it, bound, never put into its text.
        returns: "offending", a number of which 0 is right, or "truth".

    Example:
        >>> CustomSql("SELECT count(*) FROM orders WHERE paid > :total", {"total": 10}).title
        'custom_sql'
    """

    kind: ClassVar[str] = "custom_sql"
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    returns: Literal["offending", "truth"] = "offending"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.returns in ("offending", "truth"),
            f"returns what? {self.returns!r}",
            self.title,
            "say offending (rows) or truth",
        )
        if is_template(self.sql) or self.sql.endswith(".sql"):
            return
        require(
            re.match(r"\s*(--[^\n]*\n\s*)*(select|with|values)\b", self.sql, re.IGNORECASE),
            "not a query",
            self.title,
            "begin with SELECT or WITH",
        )
        authored(self.sql, self.parameters, self.title)

    def measure(self, scan: Scan) -> sa.ColumnElement[Any]:  # noqa: ARG002 -- of its own tables
        """Return the query as one value."""
        query = authored(self.sql, self.parameters, self.title)
        return query.columns(sa.column("found")).scalar_subquery()

    def judge(self, measured: Any, rows: int, run: Run) -> Finding:  # noqa: ARG002 -- of itself
        """Return what the query's value means."""
        expected = "0 offending rows" if self.returns == "offending" else "true"
        if measured is None:
            return Finding(False, None, expected)
        if self.returns == "truth":
            self._require(isinstance(measured, bool) or measured in (0, 1), measured, "a truth")
            return Finding(bool(measured), bool(measured), expected)
        number = isinstance(measured, int | float | Decimal) and not isinstance(measured, bool)
        self._require(number and int(measured) == measured, measured, "a number of rows")
        return Finding(int(measured) == 0, int(measured), expected, int(measured))

    def _require(self, right: bool, measured: Any, what: str) -> None:
        require(
            right,
            f"the query returned {measured!r:.40}, not {what}",
            self.title,
            "select count(*) of the rows that offend, or say returns='truth' for a truth",
        )
