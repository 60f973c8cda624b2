"""The task pods' template: no secret of the control plane, restricted, with a quota's amounts."""

from __future__ import annotations

import yaml

from infra.settings import Settings
from infra.values import git, names, options, security
from infra.values.image import ImageReference

_TERMINATION_SECONDS = 60


def pod(settings: Settings, image: ImageReference) -> dict[str, object]:
    """Return the pod; Airflow adds name, labels, annotations and the container's arguments."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "airflow-task",
            "labels": {
                "tier": "airflow",
                "component": "worker",
                "release": names.RELEASE,
                names.OWNER: settings.platform.name,
            },
            "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
        },
        "spec": {
            "serviceAccountName": names.TASK,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "priorityClassName": names.of_platform(settings, names.PRIORITY_TASKS),
            "terminationGracePeriodSeconds": _TERMINATION_SECONDS,
            "securityContext": security.pod(),
            "imagePullSecrets": [{"name": name} for name in settings.image.pull_secrets],
            "nodeSelector": dict(settings.tasks.node_selector),
            "tolerations": [toleration.as_dict() for toleration in settings.tasks.tolerations],
            "initContainers": [git.init_container(settings)],
            "containers": [_base(settings, image)],
            "volumes": _volumes(settings),
        },
    }


def text(settings: Settings, image: ImageReference) -> str:
    """Return the template as YAML."""
    return yaml.safe_dump(pod(settings, image), sort_keys=False)


def _base(settings: Settings, image: ImageReference) -> dict[str, object]:
    return {
        "name": "base",
        "image": str(image),
        "imagePullPolicy": settings.image.pull_policy,
        "env": [{"name": "AIRFLOW_HOME", "value": names.HOME}, *_given()],
        **_hidden_options(settings),
        "resources": settings.tasks.resources.as_dict(),
        "securityContext": security.container(),
        "volumeMounts": [
            {"name": "dags", "mountPath": f"{names.HOME}/dags", "readOnly": True},
            {"name": "logs", "mountPath": f"{names.HOME}/logs"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {
                "name": "config",
                "mountPath": f"{names.HOME}/airflow.cfg",
                "subPath": "airflow.cfg",
                "readOnly": True,
            },
        ],
    }


def _hidden_options(settings: Settings) -> dict[str, object]:
    if not options.hidden_for_tasks(settings):
        return {}
    return {"envFrom": [{"secretRef": {"name": names.TASK_OPTIONS}}]}


def _given() -> list[dict[str, object]]:
    """What the task may take, told to the package, which logs it beside what the task took."""
    return [
        {
            "name": f"UPDRAFT_{resource}_{kind}".upper(),
            "valueFrom": {
                "resourceFieldRef": {
                    "containerName": "base",
                    "resource": f"{kind}s.{resource}",
                    "divisor": divisor,
                }
            },
        }
        for resource, divisor in (("cpu", "1m"), ("memory", "1"))
        for kind in ("request", "limit")
    ]


def _volumes(settings: Settings) -> list[dict[str, object]]:
    volumes: list[dict[str, object]] = [
        {"name": name, "emptyDir": {}} for name in ("dags", "logs", "tmp", git.TEMPORARY)
    ]
    volumes.append({"name": "config", "configMap": {"name": names.TASK_CONFIG}})
    secret = git.ssh_secret(settings)
    if secret:
        # git-sync reads it by its group; ssh refuses a key that others can read.
        key = {"secretName": secret, "defaultMode": 0o440}
        volumes.append({"name": "git-sync-ssh-key", "secret": key})
    return volumes
