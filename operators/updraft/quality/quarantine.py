"""Where bad rows are moved aside, and how many at most."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from updraft.errors import DataError
from updraft.quality.base import is_template, require
from updraft.sql import TableName


@dataclass(frozen=True)
class Quarantine:
    """Where to move the rows that break a check, and how many at most.

    Rows are moved that break a `NotNull`, `Unique`, `InRange`, `AcceptedValues` or `References` of
    severity fail; a warning moves nothing. The table gets the same columns, and
    quarantine_reason (the checks' names), quarantine_run_id and quarantine_time. It is made where
    it is missing. Writers of the table under check wait meanwhile; its readers don't.

    Args:
        table: `table` or `schema.table`, in the database of the table under check.
        max_rows: With more bad rows than this, none is moved and the task fails.
        max_ratio: The same, as a part of the rows under check: 0.1 is 10 percent.

    Raises:
        ConfigurationError: The limits make no sense, or the name is no table's.

    Example:
        >>> Quarantine("sales.orders_quarantine", max_rows=1000).max_ratio
        0.1
    """

    table: str
    _: KW_ONLY
    max_rows: int | None = None
    max_ratio: float = 0.1

    def __post_init__(self) -> None:
        if not is_template(self.table):
            TableName.parse(self.table)
        require(
            (self.max_rows is None or self.max_rows >= 1) and 0 < self.max_ratio <= 1,
            f"max_rows {self.max_rows}, max_ratio {self.max_ratio}",
            f"quarantine {self.table}",
            "give at least 1 row, and a ratio above 0, up to 1",
        )

    def refusal(self, bad: int, rows: int) -> str:
        """Return why so many bad rows are not moved; nothing where they may be."""
        if self.max_rows is not None and bad > self.max_rows:
            return f"{bad} bad rows are more than max_rows {self.max_rows}"
        if bad > rows * self.max_ratio:
            return f"{bad} bad rows of {rows} are more than max_ratio {self.max_ratio:g}"
        return ""


class TooManyBadRowsError(DataError):
    """More rows are bad than a quarantine may take: none was moved.

    Example:
        >>> issubclass(TooManyBadRowsError, DataError)
        True
    """
