"""Every version and upstream image that Updraft runs, each pinned once."""

from __future__ import annotations

import tomllib
from typing import Final

from infra.root import ROOT

_PACKAGE: Final = tomllib.loads((ROOT / "operators" / "pyproject.toml").read_text())["project"]
# Ours. It lies where the package is built from, since its build reads no other file.
UPDRAFT: Final[str] = _PACKAGE["version"]

AIRFLOW: Final = "3.3.2"

CHART: Final = "1.22.0"
CHART_NAME: Final = "airflow"
CHART_REPOSITORY: Final = "https://airflow.apache.org"

# Go modules are pinned in tools/*/go.mod, Python packages in requirements/*.in. The version that
# charts are rendered for must equal that of the module; a test compares them.
KUBERNETES: Final = "1.37.2"

# Upstream images. A machine without a container registry builds its own in images/.
DEBIAN_SUITE: Final = "trixie"
DEBIAN_IMAGE: Final = "docker.io/library/debian:trixie-slim"
POSTGRES_IMAGE: Final = "docker.io/library/postgres:17.6-trixie"
GIT_SYNC_REPOSITORY: Final = "registry.k8s.io/git-sync/git-sync"
GIT_SYNC_TAG: Final = "v4.4.2"

# What watches the platform; the programs that the embedded cluster builds have the same versions.
PROMETHEUS_IMAGE: Final = "docker.io/prom/prometheus:v3.15.1"
ALERTMANAGER_IMAGE: Final = "docker.io/prom/alertmanager:v0.34.2"
LOKI_IMAGE: Final = "docker.io/grafana/loki:3.7.8"
COLLECTOR_IMAGE: Final = "docker.io/otel/opentelemetry-collector-contrib:0.160.0"
STATSD_EXPORTER_IMAGE: Final = "docker.io/prom/statsd-exporter:v0.31.0"
KUBE_STATE_METRICS_IMAGE: Final = "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0"
# Whose schemas ServiceMonitors, PodMonitors and rules are checked against.
PROMETHEUS_OPERATOR: Final = "v0.93.0"
