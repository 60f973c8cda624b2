"""The checks that every row keeps or breaks: not null, unique, in range, accepted, referring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from updraft.quality.base import RowCheck, is_template, names, require
from updraft.quality.scan import ONE, ZERO, Scan, value
from updraft.sql import TableName


@dataclass(frozen=True, repr=False)
class _OneColumn(RowCheck):
    column: str

    def __post_init__(self) -> None:
        names(self.column, self.kind)
        super().__post_init__()

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


@dataclass(frozen=True, repr=False)
class NotNull(_OneColumn):
    """Every row has a value in a column.

    Args:
        column: The column's name, as the database spells it.

    Example:
        >>> NotNull("customer_id").promise
        'no NULL'
    """

    kind: ClassVar[str] = "not_null"
    shows: ClassVar[bool] = False

    @property
    def promise(self) -> str:
        """What is expected of the rows."""
        return "no NULL"

    def broken(
        self,
        scan: Scan,
        order: Sequence[sa.ColumnElement[Any]] = (),  # noqa: ARG002 -- compares no rows
    ) -> sa.ColumnElement[bool]:
        """Return the condition that is true for a row which breaks it."""
        return scan.column(self.column).is_(None)


@dataclass(frozen=True, repr=False)
class Unique(RowCheck):
    """No two rows have the same values in a column, or in several together.

    A row with a NULL among them equals no other, as in SQL's own UNIQUE; add `NotNull` to forbid
    it. Of n equal rows n - 1 offend. A quarantine keeps one: a row that breaks no other check
    before one that does, then the greatest `latest_by`, then the one that was stored first.

    Args:
        key: The column's name, or several names.
        latest_by: A column such as updated_at, whose greatest value tells which row to keep.

    Example:
        >>> Unique(["order_id", "line"]).title
        'unique(order_id, line)'
    """

    kind: ClassVar[str] = "unique"
    key: str | Iterable[str]
    _: KW_ONLY
    latest_by: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", names(self.key, self.kind))
        super().__post_init__()

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns that it looks at."""
        return tuple(self.key)

    @property
    def needs(self) -> tuple[str, ...]:
        """The table's columns that must be there for it."""
        return self.columns + ((self.latest_by,) if self.latest_by else ())

    @property
    def promise(self) -> str:
        """What is expected of the rows."""
        return "no duplicates"

    def measure(self, scan: Scan) -> sa.ColumnElement[Any]:
        """Return the number of rows beyond the first of each key."""
        rows = scan.again(self.columns)
        keys = [rows.c[name] for name in self.columns]
        groups = (
            sa.select(sa.func.count().label("times"))
            .select_from(rows)
            .where(*(key.is_not(None) for key in keys))
            .group_by(*keys)
            .subquery()
        )
        excess = sa.func.coalesce(sa.func.sum(groups.c.times - ONE), ZERO)
        return sa.select(excess).scalar_subquery()

    def broken(
        self, scan: Scan, order: Sequence[sa.ColumnElement[Any]] = ()
    ) -> sa.ColumnElement[bool]:
        """Return the condition that is true for each row of a key but the one to keep."""
        keys = [scan.column(name) for name in self.columns]
        latest = [scan.column(self.latest_by).desc().nulls_last()] if self.latest_by else []
        place = sa.func.row_number().over(
            partition_by=keys, order_by=[*order[:1], *latest, *order[1:]] or None
        )
        return sa.and_(place > ONE, *(key.is_not(None) for key in keys))


@dataclass(frozen=True, repr=False)
class InRange(_OneColumn):
    """Every value of a column lies between two bounds; a NULL does not break it.

    Args:
        column: The column's name.
        min: The least value that is right; none without it.
        max: The greatest value that is right; none without it.
        inclusive: Whether the bounds themselves are right.

    Example:
        >>> InRange("discount", min=0, max=1).promise
        '0 <= value <= 1'
        >>> InRange("price", min=0, inclusive=False).promise
        '0 < value'
    """

    kind: ClassVar[str] = "in_range"
    _: KW_ONLY
    min: Any = None
    max: Any = None
    inclusive: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high, fix = self.min, self.max, "give min, max or both, min below max"
        require(not (low is None and high is None), "a range without bounds", self.title, fix)
        # Texts, such as what Jinja renders, are compared by the database, by the column's type.
        if any(each is None or isinstance(each, str) or is_template(each) for each in (low, high)):
            return
        try:
            right = low <= high if self.inclusive else low < high
        except TypeError:
            right = False
        require(right, f"no value lies between {low!r} and {high!r}", self.title, fix)

    @property
    def promise(self) -> str:
        """What is expected of the rows."""
        sign = "<=" if self.inclusive else "<"
        low = "" if self.min is None else f"{self.min} {sign} "
        return f"{low}value" + ("" if self.max is None else f" {sign} {self.max}")

    def broken(
        self,
        scan: Scan,
        order: Sequence[sa.ColumnElement[Any]] = (),  # noqa: ARG002 -- compares no rows
    ) -> sa.ColumnElement[bool]:
        """Return the condition that is true for a row which breaks it."""
        column, outside = scan.column(self.column), []
        if self.min is not None:
            low = value(self.min)
            outside.append(column < low if self.inclusive else column <= low)
        if self.max is not None:
            high = value(self.max)
            outside.append(column > high if self.inclusive else column >= high)
        return sa.or_(*outside)


@dataclass(frozen=True, repr=False)
class AcceptedValues(_OneColumn):
    """Every value of a column is one of a list; a NULL does not break it.

    Args:
        column: The column's name.
        values: The list.

    Example:
        >>> AcceptedValues("status", ["new", "paid"]).promise
        "one of 'new', 'paid'"
    """

    kind: ClassVar[str] = "accepted_values"
    values: Iterable[Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        fix = "give a list of values"
        require(not isinstance(self.values, str), "a text, not a list of values", self.title, fix)
        # The same DAG has to look the same each time it is parsed; a set's order differs.
        unordered = isinstance(self.values, set | frozenset)
        values = sorted(self.values, key=repr) if unordered else self.values
        object.__setattr__(self, "values", tuple(values))
        require(self.values, "no value would be accepted", self.title, fix)
        require(
            None not in tuple(self.values),
            "NULL is always accepted",
            self.title,
            "leave None out; forbid it by NotNull",
        )

    @property
    def promise(self) -> str:
        """What is expected of the rows."""
        return "one of " + ", ".join(repr(each) for each in self.values)

    def broken(
        self,
        scan: Scan,
        order: Sequence[sa.ColumnElement[Any]] = (),  # noqa: ARG002 -- compares no rows
    ) -> sa.ColumnElement[bool]:
        """Return the condition that is true for a row which breaks it."""
        return scan.column(self.column).not_in([value(each) for each in self.values])


@dataclass(frozen=True, repr=False)
class References(_OneColumn):
    """Every value of a column is in a column of another table; a NULL does not break it.

    Args:
        column: The column's name.
        table: The other table, as `table` or `schema.table`.
        key: The column there.

    Example:
        >>> References("customer_id", "sales.customers", "id").promise
        'in sales.customers.id'
    """

    kind: ClassVar[str] = "references"
    table: str
    key: str

    def __post_init__(self) -> None:
        super().__post_init__()
        names(self.key, self.title)
        if not is_template(self.table):
            TableName.parse(self.table)

    @property
    def others(self) -> tuple[tuple[TableName, str], ...]:
        """Columns of other tables that it looks at."""
        return ((TableName.parse(self.table), self.key),)

    @property
    def promise(self) -> str:
        """What is expected of the rows."""
        return f"in {self.table}.{self.key}"

    def broken(
        self,
        scan: Scan,
        order: Sequence[sa.ColumnElement[Any]] = (),  # noqa: ARG002 -- compares no rows
    ) -> sa.ColumnElement[bool]:
        """Return the condition that is true for a row which breaks it."""
        found = scan.found(self.column, TableName.parse(self.table), self.key)
        return sa.and_(scan.column(self.column).is_not(None), found.is_(None))
