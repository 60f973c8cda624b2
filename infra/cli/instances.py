"""Task instances as Airflow's API tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One task instance of a run, as the API tells it; times are aware and may be missing."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    scheduled: datetime | None
    queued: datetime | None
    started: datetime | None
    ended: datetime | None

    @property
    def seconds_queued(self) -> float | None:
        """Seconds from the scheduler's decision to run it until its code began to run."""
        since = self.scheduled or self.queued
        return (self.started - since).total_seconds() if since and self.started else None

    @property
    def seconds_run(self) -> float | None:
        """Seconds that it ran."""
        if self.started and self.ended:
            return (self.ended - self.started).total_seconds()
        return None


def moment(text: str | None) -> datetime | None:
    """A time of the API, which may be null."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def task_instance(row: Mapping[str, Any]) -> TaskInstance:
    """A task instance from its JSON."""
    return TaskInstance(
        task_id=row["task_id"],
        map_index=row["map_index"],
        state=row["state"],
        try_number=row["try_number"],
        scheduled=moment(row.get("scheduled_when")),
        queued=moment(row.get("queued_when")),
        started=moment(row.get("start_date")),
        ended=moment(row.get("end_date")),
    )
