"""Deadlines of DAG runs: whoever waits for a run's data learns that it is late while it runs.

The scheduler finds a run late, and the triggerer then runs the callback below. It has to be an
asynchronous one that the triggerer can import, so it lives in the package: a synchronous callback
ends the scheduler's loop where the executor is KubernetesExecutor (apache/airflow#70475).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from updraft import metrics, webhook
from updraft.errors import ConfigurationError
from updraft.notify import run_url, slack_text

if TYPE_CHECKING:
    from airflow.sdk.definitions.deadline import BaseDeadlineReference

# It becomes a metric's tag.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


def deadline(
    interval: timedelta,
    *,
    reference: BaseDeadlineReference = DeadlineReference.DAGRUN_QUEUED_AT,
    name: str | None = None,
    conn_id: str | None = None,
) -> DeadlineAlert:
    """Return a deadline for `DAG(deadline=…)`; a run that misses it is told to a webhook.

    A missed deadline stops nothing: the run goes on.

    Args:
        interval: How long after the reference a run has to have ended.
        reference: From when it counts, one of airflow.sdk.DeadlineReference; by default from when
            the run was queued. After DAGRUN_LOGICAL_DATE a backfill is late from its start.
        name: What the message and the metric's tag `deadline` call it, up to 100 letters, digits
            and _.- ; by default the interval, such as 90m.
        conn_id: The connection that holds the webhook's address; by default the platform's.

    Raises:
        ConfigurationError: The interval is not positive, or the name has other characters.

    Example:
        >>> from airflow.sdk import DAG
        >>> with DAG("warehouse", deadline=deadline(timedelta(minutes=90))) as dag:
        ...     dag.deadline[0].name
        '90m'
    """
    if not isinstance(interval, timedelta) or interval <= timedelta(0):
        raise ConfigurationError(
            f"a deadline's interval has to be a positive timedelta, not {interval!r}",
            where="deadline(interval)",
            fix="write timedelta(minutes=90)",
        )
    called = _short(interval) if name is None else name
    if not _NAME.fullmatch(called):
        raise ConfigurationError(
            "not the name of a deadline", where=called, fix="give up to 100 letters, digits and _.-"
        )
    kwargs = {"name": called, "conn_id": conn_id}
    return DeadlineAlert(
        reference=reference,
        interval=interval,
        callback=AsyncCallback(tell_missed, kwargs=kwargs),
        name=called,
    )


async def tell_missed(
    *, name: str, conn_id: str | None = None, context: Mapping[str, Any] | None = None
) -> str:
    """Count a missed deadline and tell the webhook; the triggerer calls this.

    Args:
        name: The deadline's.
        conn_id: The connection that holds the webhook's address; by default the platform's.
        context: What Airflow 3.3 gives: `dag_run`, as the REST API shows it, and `deadline`, with
            its id and deadline_time. Neither a task nor an exception.

    Returns:
        Where the message went; Airflow stores it as the callback's output.

    Raises:
        UpdraftError: It could not be sent. Airflow stores that, and marks the callback failed.
    """
    given = context or {}
    run, missed = given.get("dag_run") or {}, given.get("deadline") or {}
    dag_id, run_id = str(run.get("dag_id")), str(run.get("dag_run_id"))
    metrics.initialize()
    metrics.count(metrics.Metric.DEADLINE_MISSED, dag_id=dag_id, deadline=name)
    url, due = run_url(dag_id, run_id), str(missed.get("deadline_time"))
    begun = f"begun at {run['start_date']}" if run.get("start_date") else "not begun"
    text = (
        f"{dag_id} is late: run {run_id} missed its deadline {name} at {due}; "
        f"it is {run.get('state')}, {begun}"
    )
    message = {
        "kind": "deadline", "dag_id": dag_id, "run_id": run_id, "deadline": name,
        "deadline_time": due, "state": run.get("state"), "queued_at": run.get("queued_at"),
        "start_date": run.get("start_date"), "url": url, "text": slack_text(text, url),
    }  # fmt: skip
    found = webhook.connection_id(conn_id)
    if not found:
        return f"nobody is told: [updraft] {webhook.OPTION} names no connection. {text}"
    await webhook.post(await webhook.afind(found), message, kind="deadline")
    return f"told by connection {found}"


def _short(interval: timedelta) -> str:
    seconds = int(interval.total_seconds())
    for unit, size in _UNITS:
        if seconds and not seconds % size:
            return f"{seconds // size}{unit}"
    return f"{interval.total_seconds():g}s"
