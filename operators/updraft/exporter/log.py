"""The exporter's log: a line of JSON for whatever goes wrong or begins."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime


def _write(level: str, event: str, **fields: str) -> None:
    line = {"timestamp": datetime.now(UTC).isoformat(), "level": level, "event": event, **fields}
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def info(event: str, **fields: str) -> None:
    """Tell that something happened as it should."""
    _write("info", event, **fields)


def error(event: str, fault: Exception) -> None:
    """Tell what went wrong, with the fault's kind and its own words."""
    _write("error", event, error=type(fault).__name__, detail=str(fault).strip())
