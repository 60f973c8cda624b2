"""What Updraft changes in a pod before Airflow creates it: it fetches the commit of its run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.policies import hookimpl

if TYPE_CHECKING:
    from kubernetes.client import V1Pod

# The init container of Updraft's pod template, and its variable that names what is fetched.
GIT_SYNC = "git-sync-init"
REFERENCE = "GITSYNC_REF"
_BUNDLE = "updraft.bundle.GitSyncDagBundle"


def run_bundle(pod: V1Pod) -> dict[str, Any]:
    """Return name and version of the bundle that a task's pod runs, empty for any other pod."""
    for container in pod.spec.containers:
        arguments = [*(container.command or []), *(container.args or [])]
        if "--json-string" in arguments:
            workload = json.loads(arguments[arguments.index("--json-string") + 1])
            return dict(workload.get("bundle_info") or {})
    return {}


def _git_synced(name: str) -> bool:
    from airflow.sdk.configuration import conf  # noqa: PLC0415 -- settings are being loaded

    bundles = json.loads(conf.get("dag_processor", "dag_bundle_config_list"))
    return any(each["name"] == name and each["classpath"] == _BUNDLE for each in bundles)


@hookimpl
def pod_mutation_hook(pod: V1Pod) -> None:
    """Let the pod of a run that is pinned to a commit fetch that commit, and not the newest.

    Args:
        pod: Any pod that Airflow is about to create; only a task's with git-sync is changed.
    """
    fetchers = [each for each in pod.spec.init_containers or [] if each.name == GIT_SYNC]
    bundle = run_bundle(pod) if fetchers else {}
    if not bundle.get("version") or not _git_synced(bundle["name"]):
        return
    for fetcher in fetchers:
        for variable in fetcher.env or []:
            if variable.name == REFERENCE:
                variable.value = bundle["version"]
