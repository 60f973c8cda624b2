"""The alerts, an area a module."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules.alerts import pipeline
from monitoring.rules.model import Group

AREAS = (pipeline,)


def groups(options: Options) -> list[Group]:
    """Return a group of alerts an area."""
    return [area.group(options) for area in AREAS]
