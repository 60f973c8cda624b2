"""The alerts, an area a module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from monitoring.options import Options
from monitoring.rules.alerts import (
    control_plane,
    outcomes,
    parsing,
    pipeline,
    pods,
    scheduling,
    triggers,
)
from monitoring.rules.model import Alert, Group, Record

# Label area of their alerts: what Alertmanager silences together.
_AREAS: Final = {
    "control-plane": control_plane,
    "parsing": parsing,
    "scheduling": scheduling,
    "outcomes": outcomes,
    "pods": pods,
    "triggers": triggers,
    "pipeline": pipeline,
}


def groups(options: Options) -> list[Group]:
    """Return a group of alerts an area."""
    return [of_area(area, module.group(options)) for area, module in _AREAS.items()]


def of_area(area: str, group: Group) -> Group:
    """Return a group whose alerts say which area they are of."""
    rules: Sequence[Alert | Record] = [
        replace(rule, labels={"area": area, **rule.labels}) if isinstance(rule, Alert) else rule
        for rule in group.rules
    ]
    return replace(group, rules=rules)
