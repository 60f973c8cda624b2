"""What turns Airflow's state and Kubernetes' into series: three exporters."""

from __future__ import annotations

from itertools import chain

import yaml

from infra.settings import Settings
from infra.settings.base import resources
from infra.values import config, names
from infra.values.monitoring.options import options
from infra.values.monitoring.server import Manifest, Server
from infra.values.pods import env_from_secret
from monitoring import ports, statsd

_STATSD_WEB_PORT = ports.HTTP[names.STATSD_EXPORTER]
_KUBE_STATE_PORT = ports.HTTP[names.KUBE_STATE_METRICS]
_KUBE_STATE_OWN_PORT = 8081
_AIRFLOW_PORT = ports.HTTP[names.AIRFLOW_EXPORTER]
_STATSD_FOLDER = "/etc/statsd-exporter"
# Kinds that rules or dashboards look at, by their API group.
_KINDS = {
    "": ("persistentvolumeclaims", "pods", "resourcequotas"),
    "apps": ("daemonsets", "deployments", "statefulsets"),
    "batch": ("cronjobs", "jobs"),
}
# A pod's labels are cut and hashed; the annotations hold the ids as they are.
_IDS = ("dag_id", "task_id", "try_number", "map_index")


def statsd_exporter(settings: Settings) -> Server:
    """Return statsd_exporter, to which every process of Airflow sends."""
    mapping = yaml.safe_dump(statsd.mapping(options(settings)), sort_keys=False)
    return Server(
        name=names.STATSD_EXPORTER,
        namespace=settings.namespaces.monitoring,
        image=settings.monitoring.images.statsd_exporter,
        args=[
            f"--statsd.listen-udp=:{ports.STATSD}",
            *statsd.ARGUMENTS,
            f"--web.listen-address=:{_STATSD_WEB_PORT}",
            f"--statsd.mapping-config={_STATSD_FOLDER}/mapping.yaml",
        ],
        ports={"udp-statsd": ports.STATSD, "http": _STATSD_WEB_PORT},
        health="/-/ready",
        files={"mapping.yaml": mapping},
        folder=_STATSD_FOLDER,
    )


def kube_state_metrics(settings: Settings) -> Server:
    """Return kube-state-metrics for the platform's own namespaces."""
    spaces = settings.namespaces
    return Server(
        name=names.KUBE_STATE_METRICS,
        namespace=spaces.monitoring,
        image=settings.monitoring.images.kube_state_metrics,
        args=[
            f"--port={_KUBE_STATE_PORT}",
            f"--telemetry-port={_KUBE_STATE_OWN_PORT}",
            f"--namespaces={spaces.airflow},{spaces.tasks},{spaces.monitoring}",
            f"--resources={','.join(sorted(chain(*_KINDS.values())))}",
            f"--metric-annotations-allowlist=pods=[{','.join(_IDS)}]",
        ],
        ports={"http": _KUBE_STATE_PORT, "telemetry": _KUBE_STATE_OWN_PORT},
        health="/livez",
        token=True,
    )


def kube_state_rules() -> list[Manifest]:
    """Return what kube-state-metrics may do in each of the namespaces."""
    return [
        {"apiGroups": [group], "resources": list(kinds), "verbs": ["list", "watch"]}
        for group, kinds in _KINDS.items()
    ]


def airflow_exporter(settings: Settings, image: object, secret: str) -> Server:
    """Return the exporter of what Airflow itself sends nowhere, beside its database.

    Args:
        settings: The stack's settings.
        image: Airflow's image.
        secret: The Secret whose key connection is the metadata database's address.
    """
    variable = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
    return Server(
        name=names.AIRFLOW_EXPORTER,
        namespace=settings.namespaces.airflow,
        image=image,
        args=[
            *("python", "-m", "updraft.exporter"),
            *("--port", str(_AIRFLOW_PORT)),
            *("--api-url", config.api_url(settings)),
        ],
        ports={"http": _AIRFLOW_PORT},
        health="/healthz",
        resources=resources(("10m", "64Mi"), ("500m", "256Mi")),
        env=[env_from_secret(variable, secret, "connection")],
    )
