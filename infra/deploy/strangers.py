"""What others have put into a namespace of the platform's: it stays with them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from infra.deploy import live
from infra.deploy.live import Body
from infra.deploy.ownership import Ownership
from infra.render.manifests import Identity

# What Kubernetes itself puts beside objects, or into each namespace.
_BESIDE = frozenset({"Event", "Endpoints", "EndpointSlice", "PodMetrics"})
_IN_EACH = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
# Every pod of the KubernetesExecutor bears it; version 0.1 gave its pods no other.
TASK = "kubernetes_executor"


def strangers(ownership: Ownership, namespace: str) -> list[Identity]:
    """Return what is in a namespace and comes neither from the platform nor from its tasks.

    Raises:
        KubectlError: Not all of it may be looked at.
    """
    kubectl = ownership.kubectl
    listed = kubectl.run("api-resources", "--verbs=list", "--namespaced=true", "-o", "name")
    kinds = sorted(set(listed.split()))
    found = kubectl.items(",".join(kinds), "-n", namespace)
    uids = {str(one["metadata"]["uid"]) for one in found}
    return sorted(
        live.identity(one)
        for one in found
        if not (_is_own(one, ownership) or _is_ended(one) or _has_owner(one, uids))
    )


def _is_own(body: Body, ownership: Ownership) -> bool:
    one, tasks = live.identity(body), ownership.owner.namespaces[1]
    is_task = TASK in (body["metadata"].get("labels") or {})
    return (
        ownership.is_ours(body)
        or one == ownership.inventory.identity
        or (one.kind == "Pod" and one.namespace == tasks and is_task)
    )


def _is_ended(body: Body) -> bool:
    """Whether it is Kubernetes' own, or goes already."""
    named = (body["kind"], body["metadata"]["name"])
    return body["kind"] in _BESIDE or named in _IN_EACH or "deletionTimestamp" in body["metadata"]


def _has_owner(body: Body, uids: Collection[str]) -> bool:
    """Whether what it belongs to is there too, and says whose it is."""
    owners: list[dict[str, Any]] = body["metadata"].get("ownerReferences") or []
    return any(str(one["uid"]) in uids for one in owners)
