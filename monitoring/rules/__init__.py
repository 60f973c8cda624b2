"""Every rule that Prometheus evaluates."""

from __future__ import annotations

from typing import Any

from monitoring.options import Options
from monitoring.rules import alerts, events, recording, slo
from monitoring.rules.model import Group


def sources(options: Options) -> list[Group]:
    """Return every group, before it is written for Prometheus; what is read comes first."""
    objectives = [alerts.of_area("slo", group) for group in slo.groups(options)]
    return [
        *recording.groups(options),
        *events.groups(options),
        *objectives,
        *alerts.groups(options),
    ]


def groups(options: Options) -> list[dict[str, Any]]:
    """Return the `groups` of a file of rules."""
    return [group.group(options) for group in sources(options)]
