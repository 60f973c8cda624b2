"""The tasks' namespace: quota, defaults, what reaches the pods, and who may do what there."""

from __future__ import annotations

from infra.settings import Settings
from infra.values import config, names
from infra.values.pods import Spec

_PODS: Spec = {"apiGroups": [""], "resources": ["pods"]}
_LOGS: Spec = {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}

# Role's name (and its ServiceAccount's, in the control plane's namespace) -> rules.
RULES: dict[str, list[Spec]] = {
    names.SCHEDULER: [
        {**_PODS, "verbs": ["create", "delete", "get", "list", "patch", "watch"]},
        _LOGS,
    ],
    names.API_SERVER: [{**_PODS, "verbs": ["get", "list"]}, _LOGS],
    names.CLEANUP: [{**_PODS, "verbs": ["delete", "get", "list"]}],
}


def limit_range(settings: Settings) -> Spec:
    """Return the LimitRange: a container that states nothing gets a task's own amounts.

    Without it the quota refuses such a pod, and Airflow fails its task at once.
    """
    resources = settings.tasks.resources
    default, request = resources.limits.as_dict(), resources.requests.as_dict()
    if settings.tasks.quota.ephemeral_storage:
        request["ephemeral-storage"] = "64Mi"
    return {"limits": [{"type": "Container", "default": default, "defaultRequest": request}]}


def config_files(settings: Settings) -> dict[str, str]:
    """Return the files of the ConfigMap that every task pod mounts."""
    files = {"airflow.cfg": config.as_file(config.task(settings))}
    if settings.dags.ssh:
        files["known_hosts"] = settings.dags.ssh.known_hosts
    return files
