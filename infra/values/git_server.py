"""The git server inside the cluster: one pod, one volume, one user."""

from __future__ import annotations

from infra.settings import Settings
from infra.settings.dags import GitServer
from infra.values import names, security
from infra.values.pods import Spec, env_from_secret, placed

PORT = 8080
SERVICE_PORT = 80
_UID = 65533
_RESOURCES = {
    "requests": {"cpu": "10m", "memory": "32Mi"},
    "limits": {"cpu": "1", "memory": "256Mi"},
}


def labels() -> dict[str, str]:
    """Return the labels by which the Service finds the pod."""
    return {"app.kubernetes.io/name": names.GIT, "app.kubernetes.io/part-of": "updraft"}


def deployment(settings: Settings, server: GitServer) -> Spec:
    """Return the Deployment's spec."""
    health: Spec = {"httpGet": {"path": "/healthz", "port": PORT}, "timeoutSeconds": 5}
    container: Spec = {
        "name": "git",
        "image": server.image,
        "imagePullPolicy": settings.image.pull_policy,
        "env": [
            env_from_secret(key, names.GIT_CREDENTIALS, key)
            for key in ("GITSYNC_USERNAME", "GITSYNC_PASSWORD")
        ],
        "ports": [{"name": "http", "containerPort": PORT}],
        "resources": _RESOURCES,
        "securityContext": security.container(),
        "startupProbe": {**health, "periodSeconds": 1, "failureThreshold": 120},
        "readinessProbe": {**health, "periodSeconds": 10},
        "livenessProbe": {**health, "periodSeconds": 20, "failureThreshold": 6},
        "volumeMounts": [
            {"name": "repository", "mountPath": "/srv/git"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    pod = {
        **placed(settings),
        "automountServiceAccountToken": False,
        "securityContext": security.with_volume(_UID),
        "containers": [container],
        "volumes": [
            {"name": "repository", "persistentVolumeClaim": {"claimName": names.GIT}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    return {
        "replicas": 1,
        # Two servers must never write the same repository.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels()},
        "template": {"metadata": {"labels": labels()}, "spec": pod},
    }
