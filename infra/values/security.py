"""Security contexts that pass the Pod Security level `restricted`, with a read-only root."""

from __future__ import annotations

AIRFLOW_USER = 50000
GIT_SYNC_USER = 65533


def pod(user: int = AIRFLOW_USER, group: int = 0) -> dict[str, object]:
    """Return a pod's security context; volumes belong to the group."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "fsGroup": group,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def with_volume(user: int) -> dict[str, object]:
    """Return the context of a pod with a lasting volume, which belongs to its user's group."""
    # Once is enough: to go through all files at each start takes minutes on a large volume.
    return {**pod(user, user), "fsGroupChangePolicy": "OnRootMismatch"}


def container(user: int | None = None) -> dict[str, object]:
    """Return a container's security context, with a user of its own where one is given."""
    context: dict[str, object] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return context if user is None else {**context, "runAsUser": user}
