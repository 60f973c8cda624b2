"""What every data quality check has, and what it says of the rows that it saw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal

import sqlalchemy as sa

from updraft.errors import ConfigurationError
from updraft.quality.scan import ONE, Scan
from updraft.sql import TableName


class Severity(StrEnum):
    """What a check that does not hold does to its task.

    Example:
        >>> Severity("warn") is Severity.WARN
        True
    """

    WARN = "warn"
    FAIL = "fail"


class Outcome(StrEnum):
    """What became of a check.

    Example:
        >>> str(Outcome.PASSED)
        'passed'
    """

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """What checks know of the DAG run, beyond the rows.

    Args:
        now: When the checks are evaluated.
        interval_end: The end of the run's data interval, where it has one.
        counts: The row counts of earlier runs, oldest first, by the name of their check.

    Example:
        >>> from datetime import UTC
        >>> Run(datetime(2026, 1, 1, tzinfo=UTC)).counts
        {}
    """

    now: datetime
    interval_end: datetime | None = None
    counts: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Args:
        holds: Whether it is as it should be.
        observed: What is there: a text, a number or a truth, ready for JSON.
        expected: What should be there.
        offending: How many rows break the check, where it counts rows.
        counts: The row counts of the last runs and of this one, for a check that keeps them.

    Example:
        >>> Finding(holds=False, observed="2 of 9 rows", expected="no NULL", offending=2).offending
        2
    """

    holds: bool
    observed: str | float | bool | None
    expected: str
    offending: int | None = None
    counts: tuple[int, ...] = ()


def is_template(value: object) -> bool:
    """Return whether a value is known only when the task runs.

    That is a text for Jinja, another task's result, or an argument of a mapped group.
    """
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    return hasattr(value, "iter_references")


def require(condition: object, what: str, where: str, fix: str) -> None:
    """Raise a ConfigurationError unless a condition is true."""
    if not condition:
        raise ConfigurationError(what, where=where, fix=fix)


@dataclass(frozen=True, kw_only=True)
class Check(ABC):
    """A promise about a table's rows.

    Every text in it may be a Jinja template.

    Args:
        severity: Whether the task fails ("fail") or only says so ("warn") where it does not hold.
        name: What the check is called in results; made of its kind and columns by default.

    Example:
        >>> from updraft.quality import NotNull
        >>> NotNull("email", severity="warn")
        NotNull(column='email', severity='warn')
        >>> NotNull("email").title
        'not_null(email)'
    """

    kind: ClassVar[str]
    severity: Severity | Literal["warn", "fail"] = Severity.FAIL
    name: str | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "severity", Severity(self.severity))
        except ValueError as error:
            raise ConfigurationError(
                f"there is no severity {self.severity!r}",
                where=self.title,
                fix="say warn or fail",
            ) from error

    def __repr__(self) -> str:
        # The UI shows it. What is by default goes without saying.
        told = {
            each.name: getattr(self, each.name)
            for each in sorted(fields(self), key=lambda each: bool(each.kw_only))
            if each.default is MISSING or getattr(self, each.name) != each.default
        }
        parts = [
            f"{key}={(str(of) if isinstance(of, Severity) else of)!r}" for key, of in told.items()
        ]
        return f"{type(self).__name__}({', '.join(parts)})"

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns that it looks at."""
        return ()

    @property
    def others(self) -> tuple[tuple[TableName, str], ...]:
        """Columns of other tables that it looks at."""
        return ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The table's columns that must be there for it."""
        return self.columns

    @property
    def title(self) -> str:
        """What it is called in results."""
        return self.name or self.kind + (f"({', '.join(self.columns)})" if self.columns else "")

    @abstractmethod
    def measure(self, scan: Scan) -> sa.ColumnElement[Any]:
        """Return what the statement has to compute for it, one value.

        Raises:
            ConfigurationError: SQL of the author's and its parameters don't fit.
        """

    @abstractmethod
    def judge(self, measured: Any, rows: int, run: Run) -> Finding:
        """Return what a measured value means.

        Args:
            measured: What the statement computed.
            rows: How many rows there are.
            run: What else is known.

        Raises:
            ConfigurationError: It is not what the check can judge.
        """


class RowCheck(Check):
    """A check that each row breaks or keeps by itself, so that rows can be moved aside.

    Example:
        >>> from updraft.quality import InRange, RowCount
        >>> issubclass(InRange, RowCheck), issubclass(RowCount, RowCheck)
        (True, False)
    """

    # Whether there is something to see in the columns of a row that breaks it.
    shows: ClassVar[bool] = True

    @property
    @abstractmethod
    def promise(self) -> str:
        """What is expected of the rows."""

    @abstractmethod
    def broken(
        self, scan: Scan, order: Sequence[sa.ColumnElement[Any]] = ()
    ) -> sa.ColumnElement[bool]:
        """Return the condition that is true for a row which breaks it, to be selected.

        Args:
            scan: The rows.
            order: Which of several equal rows to keep, for a check that compares rows: how bad
                they are otherwise, then where they are stored.
        """

    def measure(self, scan: Scan) -> sa.ColumnElement[Any]:
        """Return the number of rows that break it."""
        return sa.func.count(sa.case((self.broken(scan), ONE)))

    def judge(self, measured: Any, rows: int, run: Run) -> Finding:  # noqa: ARG002 -- rows suffice
        """Return that it holds where no row breaks it, so on an empty table too."""
        offending = int(measured)
        observed = f"{offending} of {rows} rows" if offending else f"{rows} rows"
        return Finding(offending == 0, observed, self.promise, offending)


def names(of: str | Iterable[str], where: str) -> tuple[str, ...]:
    """Return one column's name or several as a tuple.

    Raises:
        ConfigurationError: There is none, one is empty, or one is there twice.
    """
    found = (of,) if isinstance(of, str) else tuple(of)
    require(
        found and all(isinstance(each, str) and each for each in found),
        f"not the names of columns: {of!r}",
        where,
        "name one column or several",
    )
    require(len(set(found)) == len(found), f"a column twice: {found}", where, "name it once")
    return found
