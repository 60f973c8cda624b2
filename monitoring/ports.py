"""Where what watches listens, by the name of its Service; each port stated once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Of each server's HTTP, where its series are too.
HTTP: Final[Mapping[str, int]] = {
    "statsd-exporter": 9102,
    "kube-state-metrics": 8080,
    "prometheus": 9090,
    "alertmanager": 9093,
    "loki": 3100,
    "airflow-exporter": 9180,
}
STATSD: Final = 9125
COLLECTOR_METRICS: Final = 8888
COLLECTOR_HEALTH: Final = 13133
