"""What the tries of tasks took: the lines `updraft.resources` in Loki."""

from __future__ import annotations

import json
import time

from infra.cli import loki
from infra.cli.sizing import Try

EVENT = "updraft.resources"
GIVEN = ("cpu_request", "cpu_limit", "memory_request", "memory_limit")
DAY = 24 * 60 * 60 * 1_000_000_000


def tries(url: str, namespace: str, days: float, dag_id: str = "") -> list[Try]:
    """Return what each try took that ended in the last days, the latest last.

    Args:
        url: Loki's address.
        namespace: The task pods'.
        days: How far to look back.
        dag_id: A DAG; all of them by default.

    Raises:
        UpdraftError: Loki doesn't answer, or refuses.
    """
    known = {"dag_id": dag_id} if dag_id else {}
    end = time.time_ns()
    asked = loki.query(namespace, contains=EVENT, **known)
    found = loki.lines(url, asked, int(end - days * DAY), end)
    return [each for line in found if (each := parse(line.text))]


def parse(line: str) -> Try | None:
    """Return what a line tells; None for a line of another kind, or of an older Updraft."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    # A task that was skipped ran nothing that a size would have to hold.
    if not isinstance(told, dict) or told.get("event") != EVENT or told.get("state") == "skipped":
        return None
    try:
        return Try(
            dag_id=str(told["dag_id"]),
            task_id=str(told["task_id"]),
            peak=int(told["peak_memory_bytes"]),
            cpu_seconds=float(told["cpu_seconds"]),
            seconds=float(told["seconds"]),
            given={name: int(told[name]) for name in GIVEN if told.get(name) is not None},
        )
    except (KeyError, TypeError, ValueError):
        return None
