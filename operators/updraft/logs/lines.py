"""What Airflow shows of a line: its own JSON unchanged, and any other line as an event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from updraft.logs.store import Line


def moment(nanoseconds: int) -> str:
    """Return a time as Airflow writes it.

    Example:
        >>> moment(1_767_225_600_250_000_000)
        '2026-01-01T00:00:00.250000Z'
    """
    seconds, rest = divmod(nanoseconds, 10**9)
    found = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    return f"{found:%Y-%m-%dT%H:%M:%S.%f}Z"


def message(event: str, *, level: str = "info", **more: Any) -> str:
    """Return a line of our own; without a time it stays where it is put."""
    return json.dumps({"event": event, "level": level, "logger": "updraft.logs", **more})


def shown(line: Line, *, container: str = "") -> str:
    """Return the line as Airflow's log reader takes it: JSON with an event.

    Args:
        line: A line of Loki's.
        container: Who wrote it, told in the line where it is not the task's own container.
    """
    found = _structured(line.text)
    if found is None:
        found = {"timestamp": moment(line.time), "event": line.text}
        if level := line.labels.get("level"):
            found["level"] = level
    elif isinstance(found.get("event"), str) and "timestamp" in found and not container:
        return line.text
    found.setdefault("timestamp", moment(line.time))
    if not isinstance(found.get("event"), str):
        # Another program's JSON, such as git-sync's: its own word for it, else the line whole.
        found["event"] = str(found.get("msg") or found.get("message") or line.text)
    if container:
        found["logger"] = container
    return json.dumps(found)


def _structured(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
