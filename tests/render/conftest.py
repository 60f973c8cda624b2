"""Tools, charts and stacks that the render tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.render import Manifest, render
from infra.root import ROOT
from infra.settings import stack
from tests.programs import programs
from tests.render import apiserver
from tests.render.platform import Platform

EMBEDDED = ROOT / "infra" / "chart"
SSH_HOSTS = "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample"
# The ways in which a stack's settings change what is rendered.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "local": ("local", {}),
    "prod": ("prod", {}),
    "token": (
        "local",
        {
            "namespaces": {"airflow": "one", "tasks": "two", "monitoring": "three"},
            "image": {"tag": None, "digest": f"sha256:{'a' * 64}", "pullSecrets": ["registry"]},
            "dags": {
                "server": None,
                "repository": "https://git.example.com/dags.git",
                "credentials": {"username": "robot", "token": "tok-0123456789abcdef"},
            },
            "scheduling": {
                "nodeSelector": {"pool": "control"},
                "tolerations": [{"key": "dedicated", "operator": "Exists"}],
                "storageClass": "fast",
            },
            "tasks": {"nodeSelector": {"pool": "tasks"}, "keepFinishedPods": 0},
            "airflow": {"baseUrl": "https://data.example.com/airflow"},
            "monitoring": {
                "mode": "operator",
                "logs": {"url": "http://loki.logging.svc:3100"},
                "metrics": {"url": "http://prometheus.monitoring.svc:9090"},
                "grafana": {"url": "https://grafana.example.com"},
                "monitorLabels": {"release": "kube-prometheus-stack"},
            },
        },
    ),
    "told": (
        "local",
        {
            "airflow": {"baseUrl": "https://airflow.example.com"},
            "monitoring": {
                "storageClass": "fast",
                "cost": {"teams": {"shop": "shop_.*", "finance": "fin_.*"}},
                "alerts": {
                    "receivers": {
                        "webhook": {"url": "https://hooks.example.com/a-secret-path"},
                        "slack": {"channel": "#data", "existingSecret": "alerts-slack"},
                        "pagerduty": {"routingKey": "0123456789abcdef0123456789abcdef"},
                        "email": {
                            "to": "team@example.com",
                            "sender": "airflow@example.com",
                            "smarthost": "mail.example.com:587",
                            "username": "airflow",
                            "existingSecret": "alerts-mail",
                        },
                    }
                },
            },
        },
    ),
    "unwatched": ("local", {"monitoring": {"mode": "none"}}),
}
# Of the smallest variant's.
LEAST_OBJECTS = 30
Rendered = Callable[[str, Path], list[Manifest]]


def settings(variant: str, chart: Path = EMBEDDED) -> dict[str, object]:
    """Return a variant's settings with a chart by its path."""
    name, overrides = VARIANTS[variant]
    return stack.read(name, {**overrides, "chart": {"path": str(chart)}})


@pytest.fixture(scope="session")
def helm() -> Path:
    """The helm program."""
    return programs("helm")["helm"]


@pytest.fixture(scope="session")
def official() -> Path:
    """The official chart that AIRFLOW_CHART names."""
    given = os.environ.get("AIRFLOW_CHART")
    if not given:
        pytest.skip("AIRFLOW_CHART names no official chart: NOT compared with it")
    return Path(given)


@pytest.fixture(scope="session", params=["embedded", "official"])
def chart(request: pytest.FixtureRequest) -> Path:
    """Each chart in turn."""
    if request.param == "embedded":
        return EMBEDDED
    return Path(request.getfixturevalue("official"))


@pytest.fixture(scope="session", params=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> str:
    """Each variant of the settings in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    """The keys of all renders of this run."""
    return KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="session")
def rendered(helm: Path, keys: KeyStore) -> Rendered:
    """Render a variant with a chart, once for all tests."""

    @cache
    def once(variant: str, chart: Path) -> list[Manifest]:
        return render(settings(variant, chart), helm=helm, keys=keys)

    return once


@pytest.fixture
def manifests(rendered: Rendered, variant: str, chart: Path) -> list[Manifest]:
    """The objects of a variant with a chart."""
    return rendered(variant, chart)


@pytest.fixture(scope="session")
def nodeless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A Kubernetes API with controllers but without nodes."""
    folder = tmp_path_factory.mktemp("nodeless")
    with apiserver.running(programs(*apiserver.NAMES), folder) as kubectl:
        yield kubectl


@pytest.fixture
def platform(nodeless: Kubectl) -> Platform:
    """A namespace of that API for a test's deploys."""
    return Platform(nodeless)
