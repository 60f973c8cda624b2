"""Alerts on what watches: an exporter that is gone must not look like health."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules.model import Alert, Group


def group(options: Options) -> Group:
    """Return the alerts."""
    watchdog = Alert(
        name="Watchdog",
        expr="vector(1)",
        for_="0s",
        severity="none",
        component="prometheus",
        summary=f"Alerts of {options.cluster} reach this receiver.",
        description="Fires all the time. Where it stops, no alert is delivered any more.",
    )
    return Group("airflow-pipeline", [watchdog])
