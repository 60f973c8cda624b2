"""What Airflow's own database knows: failed tasks, a task's tries, the control plane's health."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from airflow.api.common.airflow_health import get_airflow_health
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.utils.session import create_session
from sqlalchemy import func, select

PAGE = 10
TRIES = 25


def failures(dags: Collection[str], start: int, page: int) -> dict[str, Any]:
    """Return a page of the task instances that failed, the newest first.

    Args:
        dags: The ids of the DAGs that may be shown.
        start: Since when, in seconds since 1970.
        page: Its number from 0 on.
    """
    ended = TaskInstance.end_date
    wanted = (
        TaskInstance.state == "failed",
        ended >= datetime.fromtimestamp(start, UTC),
        TaskInstance.dag_id.in_(dags),
    )
    query = (
        select(*_columns(TaskInstance))
        .where(*wanted)
        .order_by(ended.desc(), TaskInstance.id)
        .limit(PAGE)
        .offset(page * PAGE)
    )
    with create_session(scoped=False) as session:
        total = session.scalar(select(func.count()).select_from(TaskInstance).where(*wanted)) or 0
        rows = [_row(each) for each in session.execute(query)]
    return {"rows": rows, "total": total, "page": page, "page_size": PAGE}


def tries(dag_id: str, task_id: str, run_id: str = "", map_index: int | None = None) -> list[Any]:
    """Return the last tries of a task, the newest first.

    Args:
        dag_id: Its DAG.
        task_id: The task.
        run_id: The only run to show, empty for all.
        map_index: The only one of a mapped task's instances to show.
    """
    found: list[Any] = []
    with create_session(scoped=False) as session:
        for table in (TaskInstance, TaskInstanceHistory):
            query = select(*_columns(table)).where(table.dag_id == dag_id, table.task_id == task_id)
            if run_id:
                query = query.where(table.run_id == run_id)
            if map_index is not None:
                query = query.where(table.map_index == map_index)
            latest = func.coalesce(table.start_date, table.queued_dttm)
            found += session.execute(query.order_by(latest.desc().nulls_last()).limit(TRIES))
    rows = [_row(each) for each in found]
    rows.sort(key=lambda row: (row["started"] or row["queued"] or 0, row["try"]), reverse=True)
    return rows[:TRIES]


def health() -> list[dict[str, Any]]:
    """Return whether each part of the control plane is up, and when it was last heard of."""
    found = get_airflow_health()
    rows = [{"name": "API server", "up": True, "seen": None}]
    for name in ("metadatabase", "scheduler", "dag_processor", "triggerer"):
        seen = found[name].get(f"latest_{name}_heartbeat")
        status = found[name]["status"]
        rows.append(
            {
                "name": {"metadatabase": "metadata database"}.get(name, name.replace("_", " ")),
                # Airflow says nothing of what was never there, such as a triggerer.
                "up": None if status is None else status == "healthy",
                "seen": seen and _milliseconds(datetime.fromisoformat(seen)),
            }
        )
    return rows


def _columns(table: Any) -> Iterable[Any]:
    return (
        *(table.dag_id, table.run_id, table.task_id, table.map_index, table.try_number),
        *(table.state, table.queued_dttm, table.start_date, table.end_date),
    )


def _row(row: Any) -> dict[str, Any]:
    queued, started, ended = (
        _milliseconds(each) for each in (row.queued_dttm, row.start_date, row.end_date)
    )
    return {
        **{name: getattr(row, name) for name in ("dag_id", "run_id", "task_id", "map_index")},
        "try": row.try_number,
        "state": row.state or "none",
        "queued": queued,
        "started": started,
        "ended": ended,
        "log": log_path(row.dag_id, row.run_id, row.task_id, row.map_index, row.try_number),
    }


def log_path(dag_id: str, run_id: str, task_id: str, map_index: int, try_number: int) -> str:
    """Return the path of a try's log in Airflow's UI, below the UI's address.

    Example:
        >>> log_path("shop", "manual__2026-01-01T00:00:00+00:00", "sell", 3, 2)
        'dags/shop/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00/tasks/sell/mapped/3?try_number=2'
    """
    dag, run, task = (quote(each, safe="") for each in (dag_id, run_id, task_id))
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return f"dags/{dag}/runs/{run}/tasks/{task}{mapped}?try_number={try_number}"


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
