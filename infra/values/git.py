"""git-sync: the remote, and the container of a task pod with the variables that the chart sets."""

from __future__ import annotations

from infra.settings import Settings
from infra.values import names, security

RESOURCES = {
    "requests": {"cpu": "10m", "memory": "32Mi"},
    "limits": {"cpu": "500m", "memory": "256Mi"},
}
# A task's pod never restarts, so its git-sync asks again for about two minutes before it fails.
_TASK_FAILURES = 12
# The control plane's git-sync asks for ever: a remote that is away must not take down what runs.
CONTROL_PLANE_FAILURES = -1
TEMPORARY = "git-sync-tmp"


def repository(settings: Settings) -> str:
    """Return the remote: the stack's, or the in-cluster server's."""
    if settings.dags.repository:
        return settings.dags.repository
    return f"http://{names.host(names.GIT, settings.namespaces.airflow)}/dags.git"


def credentials_secret(settings: Settings) -> str | None:
    """Return the name of the Secret with user and token, None for an open or ssh remote."""
    given = settings.dags.credentials
    if given:
        return given.existing_secret or names.GIT_CREDENTIALS
    return names.GIT_CREDENTIALS if settings.dags.server else None


def ssh_secret(settings: Settings) -> str | None:
    """Return the name of the Secret with the deploy key, None without ssh."""
    ssh = settings.dags.ssh
    return (ssh.existing_secret or names.GIT_SSH_KEY) if ssh else None


def init_container(settings: Settings) -> dict[str, object]:
    """Return the init container that fetches a task pod's DAGs once."""
    image = settings.dags.git_sync
    mounts: list[dict[str, object]] = [
        {"name": "dags", "mountPath": "/git"},
        {"name": TEMPORARY, "mountPath": "/tmp"},  # noqa: S108
    ]
    if settings.dags.ssh:
        secret, config = "/etc/git-secret/ssh", "/etc/git-secret/known_hosts"
        mounts += [
            {"name": "git-sync-ssh-key", "mountPath": secret, "subPath": "gitSshKey"},
            {"name": "config", "mountPath": config, "subPath": "known_hosts"},
        ]
        mounts[-2:] = [{**mount, "readOnly": True} for mount in mounts[-2:]]
    return {
        "name": "git-sync-init",
        "image": f"{image.repository}:{image.tag}",
        "imagePullPolicy": settings.image.pull_policy,
        "env": [*_remote(settings), *_login(settings)],
        "resources": RESOURCES,
        "securityContext": security.container(security.GIT_SYNC_USER),
        "volumeMounts": mounts,
    }


def _remote(settings: Settings) -> list[dict[str, object]]:
    dags, remote = settings.dags, repository(settings)
    variables = {
        "GIT_SYNC_REV": "HEAD",
        "GITSYNC_REF": dags.ref,
        "GIT_SYNC_BRANCH": dags.ref,
        "GIT_SYNC_REPO": remote,
        "GITSYNC_REPO": remote,
        "GIT_SYNC_DEPTH": str(dags.depth),
        "GITSYNC_DEPTH": str(dags.depth),
        "GIT_SYNC_ROOT": "/git",
        "GITSYNC_ROOT": "/git",
        "GIT_SYNC_DEST": "repo",
        "GITSYNC_LINK": "repo",
        "GIT_SYNC_ADD_USER": "true",
        "GITSYNC_ADD_USER": "true",
        "GITSYNC_PERIOD": dags.period,
        "GIT_SYNC_MAX_SYNC_FAILURES": str(_TASK_FAILURES),
        "GITSYNC_MAX_FAILURES": str(_TASK_FAILURES),
        "GIT_SYNC_ONE_TIME": "true",
        "GITSYNC_ONE_TIME": "true",
    }
    return [{"name": name, "value": value} for name, value in variables.items()]


def _login(settings: Settings) -> list[dict[str, object]]:
    if settings.dags.ssh:
        key, hosts = "/etc/git-secret/ssh", "/etc/git-secret/known_hosts"
        variables = {
            "GIT_SSH_KEY_FILE": key,
            "GITSYNC_SSH_KEY_FILE": key,
            "GIT_SYNC_SSH": "true",
            "GITSYNC_SSH": "true",
            "GIT_KNOWN_HOSTS": "true",
            "GITSYNC_SSH_KNOWN_HOSTS": "true",
            "GIT_SSH_KNOWN_HOSTS_FILE": hosts,
            "GITSYNC_SSH_KNOWN_HOSTS_FILE": hosts,
        }
        return [{"name": name, "value": value} for name, value in variables.items()]
    secret = credentials_secret(settings)
    keys = ("GIT_SYNC_USERNAME", "GITSYNC_USERNAME", "GIT_SYNC_PASSWORD", "GITSYNC_PASSWORD")
    return [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for key in keys
        if secret
    ]
