"""Prometheus and Alertmanager of mode bundled, and what Prometheus may ask the cluster."""

from __future__ import annotations

import yaml

from infra.settings import Settings
from infra.settings.base import resources
from infra.values import names
from infra.values.monitoring.options import options
from infra.values.monitoring.server import Manifest, Server
from monitoring import alertmanager as routing
from monitoring import ports, rules
from monitoring import prometheus as scraping

_PROMETHEUS_FOLDER = "/etc/prometheus"
# Not /prometheus: in an image of one program that is the program.
_PROMETHEUS_DATA = "/var/lib/prometheus"
_ALERTMANAGER_FOLDER = "/etc/alertmanager"
_ALERTMANAGER_DATA = "/var/lib/alertmanager"
_ALERTMANAGER_SECRETS = f"{_ALERTMANAGER_FOLDER}-secrets"
# What of a receiver's settings is no secret.
_TOLD = {"severities", "channel", "to", "sender", "smarthost", "username"}


def rules_text(settings: Settings) -> str:
    """Return the rules as Prometheus reads them."""
    return yaml.safe_dump({"groups": rules.groups(options(settings))}, sort_keys=False, width=1000)


def prometheus(settings: Settings) -> Server:
    """Return Prometheus."""
    watched = settings.monitoring.metrics
    scrapes = yaml.safe_dump(scraping.config(options(settings)), sort_keys=False)
    return Server(
        name=names.PROMETHEUS,
        namespace=settings.namespaces.monitoring,
        image=settings.monitoring.images.prometheus,
        args=[
            f"--config.file={_PROMETHEUS_FOLDER}/prometheus.yaml",
            f"--storage.tsdb.path={_PROMETHEUS_DATA}",
            f"--storage.tsdb.retention.time={watched.retention}",
            f"--web.listen-address=:{ports.HTTP[names.PROMETHEUS]}",
        ],
        ports={"http": ports.HTTP[names.PROMETHEUS]},
        health="/-/ready",
        resources=watched.resources,
        files={"prometheus.yaml": scrapes, "rules.yaml": rules_text(settings)},
        folder=_PROMETHEUS_FOLDER,
        data=_PROMETHEUS_DATA,
        storage=watched.storage,
        token=True,
    )


def prometheus_cluster_rules() -> list[Manifest]:
    """Return what Prometheus may do in the whole cluster: find nodes, and read their metrics."""
    return [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
    ]


def prometheus_rules() -> list[Manifest]:
    """Return what Prometheus may do in its own namespace: find the collectors."""
    return [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]


def alertmanager(settings: Settings) -> Server:
    """Return Alertmanager."""
    receivers = [
        routing.Receiver(
            secrets=_ALERTMANAGER_SECRETS, **receiver.model_dump(include=_TOLD), name=name
        )
        for name, receiver in settings.monitoring.alerts.receivers.named().items()
    ]
    text = yaml.safe_dump(routing.config(options(settings), receivers), sort_keys=False)
    return Server(
        name=names.ALERTMANAGER,
        namespace=settings.namespaces.monitoring,
        image=settings.monitoring.images.alertmanager,
        args=[
            f"--config.file={_ALERTMANAGER_FOLDER}/alertmanager.yaml",
            f"--storage.path={_ALERTMANAGER_DATA}",
            f"--web.listen-address=:{ports.HTTP[names.ALERTMANAGER]}",
            # One alone: no others to talk to.
            "--cluster.listen-address=",
        ],
        ports={"http": ports.HTTP[names.ALERTMANAGER]},
        health="/-/ready",
        resources=resources(("10m", "64Mi"), ("200m", "128Mi")),
        files={"alertmanager.yaml": text},
        folder=_ALERTMANAGER_FOLDER,
        data=_ALERTMANAGER_DATA,
        storage="1Gi",
        secrets=secret_sources(settings),
    )


def secret_sources(settings: Settings) -> list[Manifest]:
    """Return where each receiver's secret comes from: a file of the receiver's name."""
    return [
        {
            "secret": {
                "name": receiver.existing_secret or names.RECEIVERS,
                "items": [
                    {"key": "secret" if receiver.existing_secret else name, "path": name}
                ],
            }
        }
        for name, receiver in settings.monitoring.alerts.receivers.named().items()
    ]  # fmt: skip


def secret_values(settings: Settings) -> dict[str, str]:
    """Return the secrets that the settings give themselves, by receiver."""
    found = {
        name: receiver.secret()
        for name, receiver in settings.monitoring.alerts.receivers.named().items()
    }
    return {name: secret.get_secret_value() for name, secret in found.items() if secret}
