"""The ways in which a stack's settings change what is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.root import ROOT
from infra.settings import stack

EMBEDDED = ROOT / "infra" / "chart"
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


def settings(variant: str, chart: Path = EMBEDDED) -> dict[str, object]:
    """Return a variant's settings with a chart by its path."""
    name, overrides = VARIANTS[variant]
    return stack.read(name, {**overrides, "chart": {"path": str(chart)}})
