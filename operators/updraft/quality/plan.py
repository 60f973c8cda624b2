"""All checks of a table as one statement, and what its one row says of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from updraft import sql
from updraft.errors import ConfigurationError
from updraft.quality.base import Check, Finding, RowCheck, Run, require
from updraft.quality.scan import Scan, joined
from updraft.quality.session import Session

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook


@dataclass(frozen=True)
class Plan:
    """The checks of a table, ready to be evaluated.

    Args:
        table: The table.
        checks: Its checks.
        where: Which of its rows are under check; all without it.

    Example:
        >>> from updraft.quality import NotNull
        >>> statement = str(Plan(sql.TableName("orders"), [NotNull("id")]).statement())
        >>> " ".join(statement.split())
        'SELECT count(*) AS rows, count(CASE WHEN (checked."id" IS NULL) THEN 1 END) AS ...'
    """

    table: sql.TableName
    checks: Sequence[Check]
    where: sa.TextClause | None = None

    def confirm(self, hook: DbApiHook) -> None:
        """Find out whether every table and column is there.

        Raises:
            ConfigurationError: One is not.
        """
        needed: dict[sql.TableName, dict[str, str]] = {self.table: {}}
        for check in self.checks:
            for name in check.needs:
                needed[self.table].setdefault(name, check.title)
            for other, name in check.others:
                needed.setdefault(other, {}).setdefault(name, check.title)
        for table, names in needed.items():
            there = [each.name for each in sql.columns(hook, table)]
            for name, title in names.items():
                require(
                    name in there,
                    f"table {table} has no column {name}",
                    f"connection {hook.get_conn_id()}, check {title}",
                    f"name one of: {', '.join(there)}",
                )

    def statement(self) -> sa.Select[Any]:
        """Return the one statement that measures everything."""
        scan = self._scan(self.checks)
        measures = [
            check.measure(scan).label(f"check_{number}")
            for number, check in enumerate(self.checks, 1)
        ]
        # The limit is a bind parameter, and so there always is one: PostgreSQL then takes a single
        # statement only, whatever somebody's text in `where` tries to add.
        return scan.select([sa.func.count().label("rows"), *measures]).limit(1)

    def evaluate(self, session: Session, run: Run) -> list[Finding]:
        """Run the statement and return what each check found.

        Raises:
            ConfigurationError: The database does not take the statement, or a check can't judge
                what it got.
        """
        ((rows, *measured),) = session.rows(self.statement())
        return [
            check.judge(found, rows, run)
            for check, found in zip(self.checks, measured, strict=True)
        ]

    def refused(self, session: Session) -> bool:
        """Return whether the database refuses the statement before it reads any row."""
        try:
            session.rows(self.statement().limit(0))
        except ConfigurationError:
            return True
        return False

    def alone(self, check: Check) -> Plan:
        """Return the plan with one of its checks only."""
        return replace(self, checks=[check])

    def examples(self, checks: Sequence[RowCheck], limit: int) -> sa.CompoundSelect[Any]:
        """Return a query for values of rows that break checks: a check's number and a value."""
        return sa.union_all(
            *(self._examples(number, check, limit) for number, check in enumerate(checks))
        )

    def _examples(self, number: int, check: RowCheck, limit: int) -> sa.Select[Any]:
        scan = self._scan([check])
        values = [sa.cast(scan.column(name), sa.Text) for name in check.columns]
        text = joined(values, ", ") if len(values) == 1 else "(" + joined(values, ", ") + ")"
        rows = scan.select([check.broken(scan).label("broken"), text.label("value")]).subquery()
        few = sa.select(rows.c.value).where(rows.c.broken).limit(limit).subquery()
        return sa.select(sa.literal(number), few.c.value)

    def _scan(self, checks: Sequence[Check]) -> Scan:
        names = dict.fromkeys(name for check in checks for name in check.needs)
        return Scan(self.table, [*names], self.where)
