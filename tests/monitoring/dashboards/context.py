"""What a dashboard may refer to: series, alerts, runbooks and other dashboards."""

from __future__ import annotations

from functools import cache
from typing import Any

from monitoring import metric_names, rules
from monitoring.dashboards import sources
from monitoring.dashboards.grafana import DATASOURCES
from monitoring.options import Options
from monitoring.rules.model import Alert, Record
from tests.monitoring.dashboards.lint import Checked

# Series of other programs, which the cluster's test finds in the real Prometheus.
OTHERS = frozenset(
    {
        "ALERTS",
        "kubelet_volume_stats_capacity_bytes",
        "kubelet_volume_stats_used_bytes",
        "loki_ingester_memory_streams",
        "loki_request_duration_seconds_count",
        "otelcol_exporter_queue_size",
    }
)


def checked(dashboard: dict[str, Any], options: Options) -> Checked:
    """Return a dashboard's JSON with what it may refer to."""
    return Checked(
        dashboard,
        recorded_names(),
        frozenset(metric_names.series()) | OTHERS,
        alert_names(),
        options.runbooks,
        {
            each.uid: {variable.name for variable in each.variables}
            | {DATASOURCES[source] for source in each.sources}
            for each in sources(options)
        },
    )


@cache
def recorded_names() -> frozenset[str]:
    """Return the names of the recorded series."""
    return frozenset(
        rule.name
        for group in rules.sources(Options())
        for rule in group.rules
        if isinstance(rule, Record)
    )


@cache
def alert_names() -> frozenset[str]:
    """Return the names of the alerts."""
    return frozenset(
        rule.name
        for group in rules.sources(Options())
        for rule in group.rules
        if isinstance(rule, Alert)
    )
