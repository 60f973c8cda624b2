"""Grafana's dashboards of the platform, each of them in the module of its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitoring.dashboards import (
    cost,
    dags,
    database,
    delivery,
    grafana,
    logs,
    platform,
    pods,
    rightsize,
    scheduler,
)
from monitoring.dashboards.model import Dashboard, Source
from monitoring.dashboards.substitute import substitute
from monitoring.options import Options

__all__ = ["Query", "build", "queries", "sources", "substitute"]

_MODULES = (platform, scheduler, dags, pods, cost, logs, delivery, database, rightsize)


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a dashboard.

    Args:
        dashboard: The dashboard's uid.
        panel: The panel's title.
        datasource: Who is asked.
        expr: PromQL or LogQL with Grafana's variables; see `substitute`.
        only_on_failure: The fault that fills it; None where it is never empty on a busy platform.
        instant: Whether it is asked once, for the whole time range.
    """

    dashboard: str
    panel: str
    datasource: Source
    expr: str
    only_on_failure: str | None
    instant: bool


def sources(options: Options) -> list[Dashboard]:
    """Return every dashboard, before it is Grafana's JSON."""
    return [module.dashboard(options) for module in _MODULES]


def build(options: Options) -> dict[str, dict[str, Any]]:
    """Return each dashboard's JSON by the name of its file."""
    return {f"{each.uid}.json": grafana.render(each) for each in sources(options)}


def queries(options: Options) -> list[Query]:
    """Return every query of every panel."""
    return [
        Query(
            each.uid,
            panel.title,
            panel.source,
            target.expr,
            target.only_on_failure,
            panel.instant,
        )
        for each in sources(options)
        for panel in each.panels
        for target in panel.targets
    ]
