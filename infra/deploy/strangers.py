"""What others have put into a namespace of the platform's: it stays with them."""

from __future__ import annotations

from infra.deploy import live
from infra.deploy.live import Body
from infra.deploy.owner import Owner
from infra.kubectl import Kubectl
from infra.render.manifests import Identity
from infra.values import names

# What Kubernetes itself puts beside objects, or into each namespace.
_BESIDE = frozenset({"Event", "Endpoints", "EndpointSlice", "PodMetrics"})
_IN_EACH = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
# Of pods that Airflow makes, by its executor or an operator.
_OF_AIRFLOW = frozenset({"kubernetes_executor", "airflow_version"})


def strangers(kubectl: Kubectl, owner: Owner, namespace: str) -> list[Identity]:
    """Return what is in a namespace and comes neither from the platform nor from its tasks.

    Raises:
        KubectlError: Not all of it may be looked at.
    """
    listed = kubectl.run("api-resources", "--verbs=list", "--namespaced=true", "-o", "name")
    kinds = sorted(set(listed.split()))
    found = kubectl.items(",".join(kinds), "-n", namespace)
    return sorted(live.identity(one) for one in found if not _is_own(one, owner))


def _is_own(body: Body, owner: Owner) -> bool:
    metadata = body["metadata"]
    labels = metadata.get("labels") or {}
    return (
        body["kind"] in _BESIDE
        or (body["kind"], metadata["name"]) in _IN_EACH
        or labels.get(names.OWNER) == owner.platform
        or (body["kind"] == "Pod" and not _OF_AIRFLOW.isdisjoint(labels))
        or bool(metadata.get("ownerReferences"))
        or "deletionTimestamp" in metadata
    )
