"""What a rendered object is: its identity, its normal form and its place in the order."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from infra.errors import UpdraftError

# Helm's order of installation, less what Updraft never makes; an unknown kind comes last.
KINDS = (
    "Namespace",
    "PriorityClass",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Deployment",
    "StatefulSet",
    "Job",
    "CronJob",
    "Ingress",
)
CLUSTER_SCOPED = frozenset(
    {
        "Namespace",
        "PriorityClass",
        "StorageClass",
        "PersistentVolume",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)


class Identity(NamedTuple):
    """What tells one object of a cluster from another."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{place}"

    @property
    def resource(self) -> str:
        """The kind as kubectl wants it: with version and group, so that it is never ambiguous."""
        group, _, version = self.api_version.rpartition("/")
        return f"{self.kind}.{version}.{group}" if group else self.kind


class Manifest(dict[str, Any]):
    """A Kubernetes object and the wave in which it is applied.

    Args:
        body: The object.
        wave: Objects of a wave may be applied together.
        awaited: Whether the next wave waits until it is ready.
        source: The resource of the program that it comes from.
        retain: Whether it outlives its resource, as Pulumi's `retain_on_delete`.
    """

    def __init__(
        self,
        body: Mapping[str, Any],
        *,
        wave: int = 0,
        awaited: bool = True,
        source: str = "",
        retain: bool = False,
    ) -> None:
        super().__init__(body)
        self.wave = wave
        self.awaited = awaited
        self.source = source
        self.retain = retain

    @property
    def identity(self) -> Identity:
        """What tells this object from another."""
        metadata = self["metadata"]
        return Identity(
            self["apiVersion"], self["kind"], metadata.get("namespace", ""), metadata["name"]
        )

    @property
    def images(self) -> set[str]:
        """The images that its pods run."""
        pod = self.get("spec", {}).get("template", {}).get("spec", {})
        containers = [*pod.get("initContainers", ()), *pod.get("containers", ())]
        return {str(one["image"]) for one in containers}

    def order(self) -> tuple[int, int, str, str, str]:
        """Return the sort key: wave, kind, namespace, name."""
        one = self.identity
        rank = KINDS.index(one.kind) if one.kind in KINDS else len(KINDS)
        return (self.wave, rank, one.kind, one.namespace, one.name)


def normal(body: Mapping[str, Any], *, source: str, namespace: str = "") -> dict[str, Any]:
    """Return an object without nulls and status, with its namespace, a Secret's text encoded.

    Args:
        body: The object as the program or the chart states it.
        source: Where it comes from, for an error's text.
        namespace: The namespace of an object that states none.

    Raises:
        UpdraftError: It has no apiVersion, kind or name.
    """
    whole = {key: value for key, value in without_nulls(body).items() if key != "status"}
    metadata = dict(whole.get("metadata") or {})
    if not (whole.get("apiVersion") and whole.get("kind") and metadata.get("name")):
        raise UpdraftError(
            "an object without apiVersion, kind or a name of its own",
            where=f"{source}: {whole.get('kind', '?')} {metadata.get('name', '?')}",
            fix="give metadata.name: both engines have to make the same objects",
        )
    metadata.pop("creationTimestamp", None)
    if whole["kind"] in CLUSTER_SCOPED:
        metadata.pop("namespace", None)
    elif not metadata.get("namespace"):
        metadata["namespace"] = namespace or "default"
    first = {"apiVersion": whole["apiVersion"], "kind": whole["kind"], "metadata": metadata}
    ordered = {**first, **{key: value for key, value in whole.items() if key not in first}}
    return with_encoded_text(ordered) if whole["kind"] == "Secret" else ordered


def without_nulls(value: Any) -> Any:
    """Return a value without the keys whose value is null: to Kubernetes they are not there."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def with_encoded_text(secret: dict[str, Any]) -> dict[str, Any]:
    """Return a Secret with `stringData` moved into `data`.

    Server-side apply never removes a key of `stringData`, and changes the object at each apply.
    """
    text = secret.pop("stringData", {})
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in text.items()}
    secret["data"] = {**secret.get("data", {}), **encoded}
    return secret
