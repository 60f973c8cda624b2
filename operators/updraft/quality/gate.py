"""Evaluates a plan, moves bad rows aside, evaluates again: all that touches the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from updraft.errors import ConfigurationError, TransientError
from updraft.quality.base import Check, Finding, RowCheck, Run
from updraft.quality.move import Move
from updraft.quality.plan import Plan
from updraft.quality.quarantine import TooManyBadRowsError
from updraft.quality.report import Result, Verdict
from updraft.quality.session import Session

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook


class Gate:
    """The passage of a table's rows through their checks.

    Args:
        hook: The database.
        plan: The checks.
        move: How bad rows are moved aside; they stay without it.
        samples: How many values of rows that break a check to fetch.

    Example:
        >>> import os
        >>> from updraft.quality import RowCount
        >>> from updraft.sql import TableName, sql_hook
        >>> os.environ["AIRFLOW_CONN_MEMORY"] = "sqlite:///:memory:"
        >>> Gate(sql_hook("memory"), Plan(TableName("orders"), [RowCount(min=1)])).prepare()
        Traceback (most recent call last):
        updraft.errors.ConfigurationError: there is no table orders, ...
    """

    def __init__(
        self, hook: DbApiHook, plan: Plan, move: Move | None = None, samples: int = 0
    ) -> None:
        self._hook, self._plan, self._move, self._samples = hook, plan, move, samples
        self._session: Session | None = None
        self._cancelled = False

    def prepare(self) -> str:
        """Find out whether all can be done, before anything changes.

        Returns:
            The statement, as the database will get it.

        Raises:
            ConfigurationError: It can't.
            SchemaMismatchError: The quarantine's columns don't fit the table's.
        """
        self._plan.confirm(self._hook)
        if self._move:
            self._move.prepare()
        with Session(self._hook) as session:
            return session.text(self._plan.statement())

    def run(self, run: Run, run_id: str) -> Verdict:
        """Evaluate, move and evaluate again.

        Args:
            run: What checks know of the DAG run.
            run_id: Its id, for the quarantine.

        Raises:
            ConfigurationError: The database refuses a check; it names which.
            TransientError: It was cancelled.
        """
        findings = self._findings(run)
        results = [
            Result(check, found) for check, found in zip(self._plan.checks, findings, strict=True)
        ]
        samples = self._examples(results)
        movable = self._move.checks if self._move else []
        if self._move is None or not any(
            result.finding.offending for result in results if result.check in movable
        ):
            return Verdict(results, samples=samples)
        try:
            with self._connected(write=True) as session:
                moved = self._move.run(session, run_id)
        except TooManyBadRowsError as refusal:
            return Verdict(results, refusal=refusal, samples=samples)
        stay = [
            Result(
                before.check,
                found,
                (before.finding.offending or 0) if before.check in movable else 0,
            )
            for before, found in zip(results, self._findings(run), strict=True)
        ]
        return Verdict(stay, moved, samples=samples)

    def cancel(self) -> None:
        """End the statement that runs now, and begin no other; safe in a signal handler."""
        self._cancelled = True
        if self._session:
            self._session.cancel()

    @contextmanager
    def _connected(self, *, write: bool = False) -> Iterator[Session]:
        if self._cancelled:
            raise TransientError("the task was told to end", fix="start it again")
        with Session(self._hook, write=write) as session:
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    def _findings(self, run: Run) -> list[Finding]:
        try:
            with self._connected() as session:
                return self._plan.evaluate(session, run)
        except ConfigurationError as error:
            refused = [check.title for check in self._plan.checks if self._refused(check)]
            if not refused:
                raise
            raise ConfigurationError(
                error.what, where=f"{error.where}, check {', '.join(refused)}", fix=error.fix
            ) from error

    def _refused(self, check: Check) -> bool:
        # A connection each: PostgreSQL takes nothing more after an error.
        with self._connected() as session:
            return self._plan.alone(check).refused(session)

    def _examples(self, results: Sequence[Result]) -> dict[str, list[str]]:
        broken = [
            result.check
            for result in results
            if isinstance(result.check, RowCheck) and result.finding.offending
        ]
        found: dict[str, list[str]] = {}
        shown = [check for check in broken if check.shows]
        if self._samples and shown:
            with self._connected() as session:
                for number, value in session.rows(self._plan.examples(shown, self._samples)):
                    found.setdefault(shown[number].title, []).append(value)
        return found
