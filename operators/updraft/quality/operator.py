"""The operator that checks a table's rows in one statement, and can move bad ones aside."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from airflow.sdk import BaseOperator

from updraft import metrics, sql
from updraft.errors import QualityError
from updraft.quality import report
from updraft.quality.base import Check, RowCheck, Run, Severity, is_template, require
from updraft.quality.gate import Gate
from updraft.quality.move import Move
from updraft.quality.plan import Plan
from updraft.quality.quarantine import Quarantine
from updraft.quality.report import Verdict
from updraft.quality.scan import authored
from updraft.quality.tables import RowCountChange

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from airflow.sdk import Context

log = logging.getLogger(__name__)

_MOST_SAMPLES = 20


class DataQualityOperator(BaseOperator):
    """Check a table's rows, all checks in one statement, and fail when one of them does not hold.

    All checks are evaluated before the task fails. Each result goes to XCom (a list of plain
    dictionaries, also from a task that fails), to the metric updraft.quality.checks, and as a line
    of a table to the log. A check of severity "warn" never fails the task.

    With a quarantine the rows that break a check of severity "fail" are moved aside first, in one
    transaction, and the checks are evaluated on what stays.

    Args:
        conn_id: The connection of the database; any with an Airflow SQL hook. A quarantine needs
            PostgreSQL or SQLite.
        table: `table` or `schema.table`; quote a part with other characters, as in "a b".
        checks: What to check.
        where: Which of the table's rows, as the condition of a WHERE; all without it.
        parameters: Values for `:name` in `where`; bound, so nothing in them can become SQL.
            A value from params or another task belongs here, not into the text of `where`.
        quarantine: Where to move bad rows; nowhere without it.
        samples: How many values of rows that break a check the log shows. None by default: they
            may be personal data.

    Raises:
        ConfigurationError: Options, connection, tables or columns don't go together; nothing
            has changed.
        QualityError: A check of severity "fail" does not hold; it names each.

    Example:
        >>> from updraft.quality import InRange, NotNull, Unique
        >>> gate = DataQualityOperator(
        ...     task_id="check_orders",
        ...     conn_id="warehouse",
        ...     table="staging.orders",
        ...     where="day = :day",
        ...     parameters={"day": "{{ ds }}"},
        ...     checks=[NotNull("id"), Unique("id"), InRange("price", min=0, severity="warn")],
        ... )
        >>> [check.title for check in gate.checks]
        ['not_null(id)', 'unique(id)', 'in_range(price)']
    """

    template_fields: Sequence[str] = (
        "conn_id",
        "table",
        "where",
        "parameters",
        "checks",
        "quarantine",
        "sql",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"where": "sql", "sql": "sql", "parameters": "json"}  # noqa: RUF012 -- as the base
    # The statement is known only when the task runs, and people look for it in the UI.
    overwrite_rtif_after_execution = True

    def __init__(  # noqa: PLR0913 -- an operator's options
        self,
        *,
        conn_id: str,
        table: str,
        checks: Iterable[Check],
        where: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        quarantine: Quarantine | None = None,
        samples: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.table = table
        self.checks = tuple(checks)
        self.where = where
        self.parameters = parameters
        self.quarantine = quarantine
        self.samples = samples
        self.sql = ""
        self._gate: Gate | None = None
        self._validate()

    @cached_property
    def hook(self) -> DbApiHook:
        """The database's hook."""
        return sql.sql_hook(self.conn_id)

    def render_template(self, content: Any, *args: Any, **kwargs: Any) -> Any:
        """Render a value's templates, those in a check or a quarantine too."""
        if not isinstance(content, Check | Quarantine):
            return super().render_template(content, *args, **kwargs)
        fields = {each.name: getattr(content, each.name) for each in dataclasses.fields(content)}
        plain = {key: of for key, of in fields.items() if not isinstance(of, Severity)}
        return dataclasses.replace(
            content, **{key: self.render_template(of, *args, **kwargs) for key, of in plain.items()}
        )

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Evaluate the checks, move bad rows aside, evaluate again; then report."""
        place = sql.TableName.parse(self.table)
        condition = self._condition()
        plan = Plan(place, self.checks, condition)
        move = (
            Move(self.hook, place, self.quarantine, condition, self._movers())
            if self.quarantine
            else None
        )
        self._gate = Gate(self.hook, plan, move, self.samples)
        self.sql = self._gate.prepare()
        verdict = self._gate.run(self._run(context), context["run_id"])
        published = self._publish(context, verdict)
        self._fail(verdict)
        return published

    def on_kill(self) -> None:
        """Cancel the statement that runs now; an unfinished move is undone."""
        if self._gate:
            self._gate.cancel()

    def _validate(self) -> None:
        """Refuse options that make no sense, as far as they are known."""
        where = f"task {self.task_id}"
        require(
            self.checks and all(isinstance(each, Check) for each in self.checks),
            "there are no checks, or one is none",
            where,
            "give checks such as NotNull('id')",
        )
        names = Counter(check.title for check in self.checks)
        twice = [title for title, times in names.items() if times > 1]
        require(not twice, f"two checks have the name {', '.join(twice)}", where, "give one a name")
        require(
            0 <= self.samples <= _MOST_SAMPLES,
            f"{self.samples} samples",
            where,
            f"choose 0 to {_MOST_SAMPLES}",
        )
        if not is_template(self.table):
            sql.TableName.parse(self.table)
        ready = self.parameters is None or isinstance(self.parameters, Mapping)
        if ready and not (is_template(self.where) or str(self.where).endswith(".sql")):
            self._condition()
        if self.quarantine:
            self._validate_quarantine(self.quarantine.table, where)

    def _validate_quarantine(self, table: str, where: str) -> None:
        require(
            self._movers(),
            "no check moves rows into the quarantine",
            where,
            "add a check of rows with severity fail, such as NotNull, or leave quarantine out",
        )
        known = not (is_template(self.table) or is_template(table))
        require(
            not known or sql.TableName.parse(self.table) != sql.TableName.parse(table),
            "the quarantine is the table itself",
            where,
            "name another table",
        )

    def _movers(self) -> list[RowCheck]:
        return [
            check
            for check in self.checks
            if isinstance(check, RowCheck) and check.severity is Severity.FAIL
        ]

    def _condition(self) -> sa.TextClause | None:
        """Return `where` with its parameters."""
        if self.where is None:
            require(
                not self.parameters,
                "parameters without where",
                f"task {self.task_id}",
                "leave them out; a CustomSql has parameters of its own",
            )
            return None
        return authored(self.where, self.parameters or {}, f"where of task {self.task_id}")

    def _run(self, context: Context) -> Run:
        """Return what checks know of the DAG run; earlier counts come from the task's own XCom."""
        earlier: Any = None
        if any(isinstance(check, RowCountChange) for check in self.checks):
            instance = context["ti"]
            earlier = instance.xcom_pull(
                task_ids=self.task_id, map_indexes=instance.map_index, include_prior_dates=True
            )
        counts = {
            each["check"]: each["counts"]
            for each in (earlier if isinstance(earlier, list) else [])
            if isinstance(each, dict) and "counts" in each
        }
        return Run(datetime.now(UTC), context.get("data_interval_end"), counts)

    def _publish(self, context: Context, verdict: Verdict) -> list[dict[str, Any]]:
        """Send the results to log, metrics and XCom, whether or not the task is to fail."""
        tags = {"dag_id": self.dag_id, "task_id": self.task_id}
        log.info("data quality of %s (%s)\n%s", self.table, self.conn_id, report.table(verdict))
        for result in verdict.results:
            kept = {"check": result.check.kind, "result": str(result.outcome)}
            metrics.count(metrics.Metric.QUALITY_CHECKS, 1, **tags, **kept)
        if verdict.moved and self.quarantine:
            log.info("moved %s rows to the quarantine %s", verdict.moved, self.quarantine.table)
            metrics.count(metrics.Metric.QUALITY_QUARANTINED, verdict.moved, **tags)
        published = [result.as_dict(keep=not verdict.failed) for result in verdict.results]
        if verdict.failed and self.do_xcom_push:
            context["ti"].xcom_push("return_value", published)
        return published

    def _fail(self, verdict: Verdict) -> None:
        """Raise an error that names each check of severity fail that does not hold."""
        if not verdict.failed:
            return
        found = [
            f"{each.check.title}: {each.finding.observed}, expected {each.finding.expected}"
            for each in verdict.failed
        ]
        if verdict.refusal:
            found.append(verdict.refusal.what)
        raise QualityError(
            "; ".join([f"{len(verdict.failed)} of {len(verdict.results)} checks failed", *found]),
            where=f"connection {self.conn_id}, table {self.table}"
            + (f" where {self.where}" if self.where else ""),
            fix="mend the source, or move bad rows aside by a quarantine; "
            "the task's log has a table of all checks",
        ) from verdict.refusal
