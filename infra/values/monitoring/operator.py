"""Mode operator: what tells a cluster's Prometheus Operator and Grafana what to watch and show."""

from __future__ import annotations

import json
from collections.abc import Mapping

from infra.settings import Settings
from infra.values import names
from infra.values.monitoring.options import options
from infra.values.monitoring.server import Manifest, labels, manifest
from monitoring import dashboards, rules

API = "monitoring.coreos.com/v1"
_JOB = "app.kubernetes.io/name"
_INTERVAL = "15s"


def monitors(settings: Settings) -> list[Manifest]:
    """Return the ServiceMonitors, the collector's PodMonitor, and the rules."""
    spaces = settings.namespaces
    watched = settings.monitoring
    found = [
        _monitor(settings, names.STATSD_EXPORTER, spaces.monitoring),
        _monitor(settings, names.AIRFLOW_EXPORTER, spaces.airflow),
    ]
    if watched.logs_are_kept:
        endpoint = {"port": "metrics", "interval": _INTERVAL}
        spec = {
            "jobLabel": _JOB,
            "selector": {"matchLabels": labels(names.COLLECTOR)},
            "podMetricsEndpoints": [endpoint],
        }
        found.append(_custom(settings, "PodMonitor", names.COLLECTOR, spaces.monitoring, spec))
    spec = {"groups": rules.groups(options(settings))}
    return [*found, _custom(settings, "PrometheusRule", "updraft", spaces.monitoring, spec)]


def dashboard_maps(settings: Settings) -> list[Manifest]:
    """Return a ConfigMap for each dashboard, labelled for Grafana's sidecar."""
    found = []
    for file, dashboard in dashboards.build(options(settings)).items():
        name = f"dashboard-{file.removesuffix('.json')}"
        data = {"data": {file: json.dumps(dashboard, indent=1, sort_keys=True)}}
        one = manifest("ConfigMap", name, settings.namespaces.monitoring, data)
        one["metadata"]["labels"] |= dict(settings.monitoring.grafana.dashboard_labels)
        found.append(one)
    return found


def _monitor(settings: Settings, name: str, namespace: str) -> Manifest:
    spec = {
        "jobLabel": _JOB,
        "selector": {"matchLabels": labels(name)},
        # A series' own labels say which DAG it is about, and are not to be renamed.
        "endpoints": [{"port": "http", "interval": _INTERVAL, "honorLabels": True}],
    }
    return _custom(settings, "ServiceMonitor", name, namespace, spec)


def _custom(
    settings: Settings, kind: str, name: str, namespace: str, spec: Mapping[str, object]
) -> Manifest:
    one = manifest(kind, name, namespace, {"apiVersion": API, "spec": spec})
    one["metadata"]["labels"] |= dict(settings.monitoring.monitor_labels)
    return one
