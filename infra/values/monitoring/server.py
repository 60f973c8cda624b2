"""A server that watches: one pod with its configuration, its volume and its Service."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.settings import Settings
from infra.settings.base import Resources, resources
from infra.values import names, security
from infra.values.pods import claim, placed

Manifest = dict[str, Any]
USER = 65532
_SMALL = resources(("10m", "64Mi"), ("500m", "256Mi"))


@dataclass(frozen=True, slots=True)
class Server:
    """What tells one server from another.

    Args:
        name: Of the server and of all its objects.
        namespace: Where it is.
        image: Its image; one that is only known later is passed on as it is.
        args: Its arguments.
        ports: Port by name; a name that begins with udp is one of UDP.
        health: Path that answers when it is ready, at the first port that is none of UDP.
        resources: Requests and limits.
        files: Text of each file of its configuration, by name; mounted at `folder`.
        folder: Where its configuration is mounted.
        data: Where its volume is mounted; no volume without.
        storage: Size of the volume.
        env: Variables of its environment.
        token: Whether it asks the cluster's API.
        secrets: Sources of a projected volume, mounted beside `folder`.
    """

    name: str
    namespace: str
    image: object
    args: list[str]
    ports: Mapping[str, int]
    health: str
    resources: Resources = _SMALL
    files: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    data: str = ""
    storage: str = ""
    env: list[Manifest] = field(default_factory=list)
    token: bool = False
    secrets: list[Manifest] = field(default_factory=list)


def labels(name: str) -> dict[str, str]:
    """Return the labels of a server's pods and objects; the name is its series' job."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "updraft"}


def manifest(kind: str, name: str, namespace: str, body: Manifest, **metadata: object) -> Manifest:
    """Return an object of a kind that is known by its name alone."""
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels(name), **metadata},
        **body,
    }


def objects(settings: Settings, server: Server) -> list[Manifest]:
    """Return a server's objects, in the order in which they are needed."""
    found: list[Manifest] = []
    if server.files:
        found.append(manifest("ConfigMap", server.name, server.namespace, {"data": server.files}))
    # It is bound, and has an endpoint, once the pod is there.
    waits_not = {"annotations": {"pulumi.com/skipAwait": "true"}}
    if server.data:
        storage_class = settings.monitoring.storage_class or settings.scheduling.storage_class
        wanted = {"spec": claim(server.storage, storage_class)}
        found.append(
            manifest("PersistentVolumeClaim", server.name, server.namespace, wanted, **waits_not)
        )
    service = {"spec": {"selector": labels(server.name), "ports": _service_ports(server)}}
    found.append(manifest("Service", server.name, server.namespace, service, **waits_not))
    if server.token:
        account = {"automountServiceAccountToken": False}
        found.append(manifest("ServiceAccount", server.name, server.namespace, account))
    spec = {
        "replicas": 1,
        # Two must never write the same volume.
        "strategy": {"type": "Recreate"} if server.data else {"type": "RollingUpdate"},
        "selector": {"matchLabels": labels(server.name)},
        "template": {"metadata": pod_metadata(server), "spec": _pod(settings, server)},
    }
    return [*found, manifest("Deployment", server.name, server.namespace, {"spec": spec})]


def pod_metadata(server: Server) -> Manifest:
    """Return a pod's labels, and what makes it anew where its configuration has changed."""
    text = json.dumps(dict(server.files), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    annotations = {"updraft.dev/configuration": digest} if server.files else {}
    return {"labels": labels(server.name), "annotations": annotations}


def container(settings: Settings, server: Server, *mounts: Manifest) -> Manifest:
    """Return the server's container."""
    port = next(name for name in server.ports if not name.startswith("udp"))
    health: Manifest = {"httpGet": {"path": server.health, "port": port}, "timeoutSeconds": 5}
    return {
        "name": server.name,
        "image": server.image,
        "imagePullPolicy": settings.image.pull_policy,
        "args": server.args,
        "env": server.env,
        "ports": [
            {"name": name, "containerPort": port, "protocol": _protocol(name)}
            for name, port in server.ports.items()
        ],
        "resources": server.resources.as_dict(),
        "securityContext": security.container(),
        "startupProbe": {**health, "periodSeconds": 1, "failureThreshold": 300},
        "readinessProbe": {**health, "periodSeconds": 10},
        "livenessProbe": {**health, "periodSeconds": 30, "failureThreshold": 6},
        "volumeMounts": [*_mounts(server), *mounts],
    }


def shared(settings: Settings, server: Server) -> Manifest:
    """Return what every pod that watches has besides its containers and volumes."""
    account = {"serviceAccountName": server.name} if server.token else {}
    return {
        **placed(settings),
        "priorityClassName": names.of_platform(settings, names.PRIORITY_MONITORING),
        "automountServiceAccountToken": server.token,
        **account,
    }


def volumes(server: Server) -> list[Manifest]:
    """Return the volumes of a server's configuration and data."""
    found: list[Manifest] = [{"name": "tmp", "emptyDir": {}}]
    if server.files:
        found.append({"name": "config", "configMap": {"name": server.name}})
    if server.data:
        found.append({"name": "data", "persistentVolumeClaim": {"claimName": server.name}})
    if server.secrets:
        # Readable by the pod's group alone.
        found.append(
            {"name": "secrets", "projected": {"sources": server.secrets, "defaultMode": 0o440}}
        )
    return found


def _pod(settings: Settings, server: Server) -> Manifest:
    return {
        **shared(settings, server),
        "securityContext": security.with_volume(USER),
        "containers": [container(settings, server)],
        "volumes": volumes(server),
    }


def _mounts(server: Server) -> list[Manifest]:
    mounts: list[Manifest] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    if server.files:
        mounts.append({"name": "config", "mountPath": server.folder, "readOnly": True})
    if server.secrets:
        secrets = f"{server.folder}-secrets"
        mounts.append({"name": "secrets", "mountPath": secrets, "readOnly": True})
    if server.data:
        mounts.append({"name": "data", "mountPath": server.data})
    return mounts


def _protocol(port: str) -> str:
    return "UDP" if port.startswith("udp") else "TCP"


def _service_ports(server: Server) -> list[Manifest]:
    return [
        {"name": name, "port": port, "targetPort": port, "protocol": _protocol(name)}
        for name, port in server.ports.items()
    ]
