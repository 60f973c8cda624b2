"""Specs of the pods that Updraft makes beside the chart: Jobs, database, git server, clean-up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from infra.settings import Settings
from infra.values import names, options, security
from infra.values.image import ImageReference

Spec = dict[str, object]

DEADLINE_SECONDS = 30 * 60
_RESOURCES: Spec = {
    "requests": {"cpu": "100m", "memory": "256Mi"},
    "limits": {"cpu": "2", "memory": "1Gi"},
}
_CLEANUP_RESOURCES: Spec = {
    "requests": {"cpu": "10m", "memory": "64Mi"},
    "limits": {"cpu": "500m", "memory": "256Mi"},
}


def env_from_secret(name: str, secret: str, key: str) -> Spec:
    """Return an environment variable whose value is a Secret's key."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def claim(storage: str, storage_class: str | None) -> Spec:
    """Return the spec of a claim to a volume of one node; None is the cluster's default class."""
    return {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage}},
        **({"storageClassName": storage_class} if storage_class else {}),
    }


def placed(settings: Settings) -> Spec:
    """Return what puts a pod of the control plane on its nodes."""
    return {
        "priorityClassName": names.of_platform(settings, names.PRIORITY_CONTROL_PLANE),
        "nodeSelector": dict(settings.scheduling.node_selector),
        "tolerations": [toleration.as_dict() for toleration in settings.scheduling.tolerations],
        "imagePullSecrets": [{"name": name} for name in settings.image.pull_secrets],
        "enableServiceLinks": False,
    }


def _airflow_pod(
    settings: Settings,
    image: ImageReference,
    args: Sequence[str],
    *,
    variables: Mapping[str, Sequence[Spec]] = MappingProxyType({}),
    resources: Spec = _RESOURCES,
) -> Spec:
    mounts: list[Spec] = [
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        {"name": "logs", "mountPath": f"{names.HOME}/logs"},
        {
            "name": "config",
            "mountPath": f"{names.HOME}/airflow.cfg",
            "subPath": "airflow.cfg",
            "readOnly": True,
        },
    ]
    container: Spec = {
        "name": "airflow",
        "image": str(image),
        "imagePullPolicy": settings.image.pull_policy,
        "args": list(args),
        **variables,
        "env": [{"name": "AIRFLOW_HOME", "value": names.HOME}, *variables.get("env", ())],
        "resources": resources,
        "securityContext": security.container(),
        "volumeMounts": mounts,
    }
    return {
        **placed(settings),
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "securityContext": security.pod(),
        "containers": [container],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "logs", "emptyDir": {}},
            {"name": "config", "configMap": {"name": names.JOB_CONFIG}},
        ],
    }


def _job(pod: Spec) -> Spec:
    return {
        "backoffLimit": 3,
        "activeDeadlineSeconds": DEADLINE_SECONDS,
        "template": {"metadata": {"labels": {"tier": "airflow"}}, "spec": pod},
    }


def migrate_job(settings: Settings, image: ImageReference, secrets: Mapping[str, str]) -> Spec:
    """Return the spec of the Job that brings the database to the image's schema."""
    return _job(
        _airflow_pod(
            settings, image, ["airflow", "db", "migrate"],
            variables=_control_plane_variables(settings, secrets),
        )
    )  # fmt: skip


def admin_job(settings: Settings, image: ImageReference, secrets: Mapping[str, str]) -> Spec:
    """Return the spec of the Job that creates the first administrator, unless there is one."""
    create = (
        'exec airflow users create --role Admin --username "$ADMIN_USERNAME" '
        '--password "$ADMIN_PASSWORD" --email "$ADMIN_EMAIL" --firstname Airflow --lastname Admin'
    )
    own: list[Spec] = [
        env_from_secret("ADMIN_USERNAME", secrets["admin"], "username"),
        env_from_secret("ADMIN_PASSWORD", secrets["admin"], "password"),
        {"name": "ADMIN_EMAIL", "value": settings.airflow.admin.email},
    ]
    variables = _control_plane_variables(settings, secrets, *own)
    return _job(_airflow_pod(settings, image, ["bash", "-c", create], variables=variables))


def _control_plane_variables(
    settings: Settings, secrets: Mapping[str, str], *more: Spec
) -> dict[str, list[Spec]]:
    hidden: list[Spec] = [{"secretRef": {"name": names.OPTIONS}}]
    return {
        **({"envFrom": hidden} if options.hidden(settings) else {}),
        "env": [
            env_from_secret(
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", secrets["metadata"], "connection"
            ),
            env_from_secret("AIRFLOW__CORE__FERNET_KEY", secrets["fernet"], "fernet-key"),
            env_from_secret("AIRFLOW__API__SECRET_KEY", secrets["api"], "api-secret-key"),
            *more,
        ],
    }


def cleanup_job(settings: Settings, image: ImageReference) -> Spec:
    """Return the spec of the Job that deletes task pods which finished long enough ago."""
    minutes = str(settings.tasks.keep_finished_pods)
    command = ["python", "-m", "updraft.cleanup", "--namespace", settings.namespaces.tasks]
    pod = _airflow_pod(
        settings,
        image,
        [*command, "--older-than", minutes],
        resources=_CLEANUP_RESOURCES,
    )
    account: Spec = {"serviceAccountName": names.CLEANUP, "automountServiceAccountToken": True}
    return {**_job({**pod, **account}), "backoffLimit": 0, "activeDeadlineSeconds": 300}


def identity(spec: Spec) -> str:
    """Return 12 characters that differ where the spec (and so the image) differs.

    A Job can't be changed, so a changed one needs another name.
    """
    text = json.dumps(spec, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
