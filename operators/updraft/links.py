"""Links on every task in Airflow's UI, from the platform's URL templates: none of them is dead.

Airflow asks for them in the API server, so a task pushes no XCom for them, and a link is there
while its task still runs.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

from updraft import settings

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey
    from sqlalchemy import Row

log = logging.getLogger(__name__)

OPTION = "links"
# What a template may name in braces; the platform's settings refuse any other name.
_KNOWN = {"dag_id", "run_id", "task_id", "map_index", "try_number", "namespace", "file"}
_RECORDED = {"pod", "commit", "start", "end", "start_ms", "end_ms"}
PLACEHOLDERS = frozenset(_KNOWN | _RECORDED)
# Milliseconds since 1970, a minute before the try's start and one after its end: what its pod says
# before and after the task itself. The platform's own templates alone name them.
_AROUND = {"from_ms", "until_ms"}
_MARGIN = timedelta(minutes=1)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# In any other state, a host in the row is an earlier try's.
_RAN = {
    *("running", "restarting", "success", "failed"),
    *("up_for_retry", "up_for_reschedule", "deferred"),
}


class TemplateLink(BaseOperatorLink):
    """A link whose address is a template, filled for each try of a task.

    Args:
        name: The link's text.
        template: An URL with names of `PLACEHOLDERS` in braces. Where one of them has no value,
            such as `{pod}` of a task that waits, there is no link.
        lifetime: How long after the try's end there is something behind the link; None for ever.

    Example:
        >>> link = TemplateLink("Runs", "https://wiki.example.com/{dag_id}?run={run_id}")
        >>> link.fill({"dag_id": "shop", "run_id": "manual__2026-01-01T00:00:00+00:00"})
        'https://wiki.example.com/shop?run=manual__2026-01-01T00%3A00%3A00%2B00%3A00'
        >>> link.fill({"dag_id": "shop"})
        ''
    """

    def __init__(self, name: str, template: str, *, lifetime: timedelta | None = None) -> None:
        self._name = name
        self.template = template
        self.lifetime = lifetime
        self.needs = frozenset(_PLACEHOLDER.findall(template))

    @property
    def name(self) -> str:
        """The link's text."""
        return self._name

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the address, each value URL-encoded; empty where a value is missing."""
        if not all(values.get(name) for name in self.needs):
            return ""

        def encoded(match: re.Match[str]) -> str:
            name = match[1]
            return quote(values[name], safe="/" if name == "file" else "")

        return _PLACEHOLDER.sub(encoded, self.template)

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """Return the address for a try of a task; Airflow's UI shows no link where it is empty.

        Args:
            operator: The task, of the DAG's version that the run has.
            ti_key: The try.
        """
        try:
            values = _known(operator, ti_key)
            if self.needs & (_RECORDED | _AROUND) or self.lifetime is not None:
                row = _try(ti_key)
                if row is None or self._is_over(row.end_date):
                    return ""
                values |= _recorded(row)
            return self.fill(values)
        except Exception:
            # Airflow would answer with an error for all links of the task.
            log.exception("link %s of %s", self.name, ti_key)
            return ""

    def _is_over(self, end: datetime | None) -> bool:
        if end is None or self.lifetime is None:
            return False
        return datetime.now(tz=UTC) > end + self.lifetime


def _known(operator: Any, key: TaskInstanceKey) -> dict[str, str]:
    """What is known without asking the database."""
    return {
        "dag_id": key.dag_id,
        "run_id": key.run_id,
        "task_id": key.task_id,
        "map_index": str(key.map_index),
        "try_number": str(key.try_number),
        "namespace": conf.get("kubernetes_executor", "namespace", fallback=""),
        "file": operator.dag.relative_fileloc or "",
    }


def _try(key: TaskInstanceKey) -> Row[Any] | None:
    """Return what Airflow recorded of a try, from a session that only reads."""
    from airflow.models.dagrun import DagRun  # noqa: PLC0415 -- the API server alone has these
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415
    from airflow.models.taskinstancehistory import TaskInstanceHistory  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import and_, select  # noqa: PLC0415

    with create_session(scoped=False) as session:
        for table in (TaskInstance, TaskInstanceHistory):
            query = (
                select(
                    table.state, table.hostname, table.executor, table.start_date, table.end_date,
                    table.queued_dttm,
                    # History has no heartbeats.
                    getattr(table, "last_heartbeat_at", table.start_date).label("alive"),
                    DagRun.bundle_version, DagRun.clear_number, DagRun.queued_at,
                )
                .join(DagRun, and_(DagRun.dag_id == table.dag_id, DagRun.run_id == table.run_id))
                .where(
                    table.dag_id == key.dag_id,
                    table.run_id == key.run_id,
                    table.task_id == key.task_id,
                    table.map_index == key.map_index,
                    table.try_number == key.try_number,
                )
            )  # fmt: skip
            if row := session.execute(query).one_or_none():
                return row
    return None


def _recorded(row: Row[Any]) -> dict[str, str]:
    values = {"commit": _commit(row)}
    began = row.alive and (not row.queued_dttm or row.alive >= row.queued_dttm)
    if row.state in _RAN and began:
        if "KubernetesExecutor" in (row.executor or conf.get("core", "executor").split(",")[0]):
            values["pod"] = row.hostname
        end = row.end_date or datetime.now(tz=UTC)
        for name, moment in (("start", row.start_date), ("end", end)):
            values[name] = moment.astimezone(UTC).isoformat(timespec="milliseconds")
            values[f"{name}_ms"] = _milliseconds(moment)
        values["from_ms"] = _milliseconds(row.start_date - _MARGIN)
        values["until_ms"] = _milliseconds(end + _MARGIN)
    return values


def _milliseconds(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))


def _commit(row: Row[Any]) -> str:
    """Return the commit that the try runs, empty where that is not certain.

    A run is pinned to one commit, but a clearing may move it to another, and Airflow keeps only the
    last. So nothing is said of a try that was queued before the run was cleared.
    """
    if row.clear_number and not (row.queued_dttm and row.queued_dttm >= row.queued_at):
        return ""
    return row.bundle_version or ""


def configured() -> Iterator[TemplateLink]:
    """Yield the links that the platform's settings ask for; none where an option is broken."""
    try:
        found = settings.json_object(OPTION)
        for name in ("Logs", "Dashboard"):
            if template := found.get(name.lower()):
                yield TemplateLink(name, template)
        if template := found.get("pod"):
            minutes = found.get("podMinutes")
            lifetime = None if minutes is None else timedelta(minutes=minutes)
            yield TemplateLink("Pod", template, lifetime=lifetime)
        if template := found.get("source"):
            yield TemplateLink("Source", template)
        for extra in found.get("extra", ()):
            yield TemplateLink(extra["name"], extra["url"])
    except Exception:
        # This runs while Airflow starts: a wrong link must not keep it from that.
        log.exception("[%s] %s: no further links", settings.SECTION, OPTION)
