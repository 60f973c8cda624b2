"""Loki of mode bundled, and the collector that reads the nodes' files."""

from __future__ import annotations

import yaml

from infra.settings import Settings
from infra.settings.base import resources
from infra.values import names, security
from infra.values.monitoring.options import address, options
from infra.values.monitoring.server import (
    USER,
    Manifest,
    Server,
    container,
    labels,
    manifest,
    pod_metadata,
    shared,
    volumes,
)
from monitoring import collector as collecting
from monitoring import loki as storing
from monitoring import ports

_LOKI_FOLDER = "/etc/loki"
# Not /loki: in an image of one program that is the program.
_LOKI_DATA = "/var/lib/loki"
_COLLECTOR_FOLDER = "/etc/otelcol"
_COLLECTOR_DATA = "/var/lib/otelcol"
# The group of the files that containerd writes, which may read them and no more.
_ROOT_GROUP = 0
_POD_LOGS = "pod-logs"


def loki(settings: Settings) -> Server:
    """Return Loki."""
    watched = settings.monitoring.logs
    text = yaml.safe_dump(storing.config(options(settings), storage=_LOKI_DATA), sort_keys=False)
    return Server(
        name=names.LOKI,
        namespace=settings.namespaces.monitoring,
        image=settings.monitoring.images.loki,
        args=[f"-config.file={_LOKI_FOLDER}/loki.yaml"],
        ports={"http": ports.HTTP[names.LOKI]},
        health="/ready",
        resources=watched.resources,
        files={"loki.yaml": text},
        folder=_LOKI_FOLDER,
        data=_LOKI_DATA,
        storage=watched.storage,
    )


def collector(settings: Settings) -> list[Manifest]:
    """Return the collector's objects: on each node one, which reads what its pods print."""
    server = _collector(settings)
    account = {"automountServiceAccountToken": False}
    claim = {"claimName": _POD_LOGS, "readOnly": True}
    logs = {"name": _POD_LOGS, "persistentVolumeClaim": claim}
    mount = {"name": _POD_LOGS, "mountPath": settings.monitoring.logs.pod_logs, "readOnly": True}
    data = {"name": "data", "mountPath": _COLLECTOR_DATA}
    pod = {
        **shared(settings, server),
        # Where there is a task's pod, there is one of these.
        "nodeSelector": {},
        "tolerations": [{"operator": "Exists"}],
        "securityContext": security.pod(USER, _ROOT_GROUP),
        "containers": [container(settings, server, mount, data)],
        "volumes": [*volumes(server), logs, {"name": "data", "emptyDir": {}}],
    }
    spec = {
        "selector": {"matchLabels": labels(server.name)},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "100%"}},
        "template": {"metadata": pod_metadata(server), "spec": pod},
    }
    place = (server.name, server.namespace)
    return [
        *_pod_logs(settings),
        manifest("ConfigMap", *place, {"data": server.files}),
        manifest("ServiceAccount", *place, account),
        manifest("DaemonSet", *place, {"spec": spec}),
    ]


def _pod_logs(settings: Settings) -> list[Manifest]:
    """Return the nodes' folder of logs as a volume, of which each node mounts its own.

    A pod's hostPath would need the namespace to be `privileged`; a claim is allowed in any.
    """
    namespace = settings.namespaces.monitoring
    volume = f"{namespace}-{_POD_LOGS}"
    # A size has to be stated, and says nothing.
    common = {"accessModes": ["ReadOnlyMany"], "storageClassName": ""}
    offered = {"capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Retain"}
    wanted = {"resources": {"requests": {"storage": "1Gi"}}, "volumeName": volume}
    path = {"hostPath": {"path": settings.monitoring.logs.pod_logs}}
    bound = {"claimRef": {"namespace": namespace, "name": _POD_LOGS}}
    claim = manifest("PersistentVolumeClaim", _POD_LOGS, namespace, {"spec": common | wanted})
    return [
        {
            "kind": "PersistentVolume",
            "metadata": {"name": volume, "labels": labels(names.COLLECTOR)},
            "spec": common | offered | path | bound,
        },
        claim,
    ]


def collector_rules() -> list[Manifest]:
    """Return what the collector may do in each of the namespaces: ask which task a pod ran."""
    return [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]


def _collector(settings: Settings) -> Server:
    text = yaml.safe_dump(
        collecting.config(
            options(settings),
            pod_logs=settings.monitoring.logs.pod_logs,
            loki=str(address(settings, names.LOKI)),
            storage=_COLLECTOR_DATA,
        ),
        sort_keys=False,
        width=1000,
    )
    node = {"fieldRef": {"fieldPath": "spec.nodeName"}}
    return Server(
        name=names.COLLECTOR,
        namespace=settings.namespaces.monitoring,
        image=settings.monitoring.images.collector,
        args=[f"--config={_COLLECTOR_FOLDER}/config.yaml", *collecting.ARGUMENTS],
        ports={"health": ports.COLLECTOR_HEALTH, "metrics": ports.COLLECTOR_METRICS},
        health="/",
        resources=resources(("20m", "128Mi"), ("1", "512Mi")),
        files={"config.yaml": text},
        folder=_COLLECTOR_FOLDER,
        env=[{"name": collecting.NODE, "valueFrom": node}],
        token=True,
    )
