"""Kubernetes objects, stated as manifests, as resources of the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic.alias_generators import to_snake

Manifest = Mapping[str, Any]

_RBAC = "rbac.authorization.k8s.io"
# They take a manifest's own names below the first level, but are typed by Python's.
_CLASSES: dict[str, Callable[..., pulumi.CustomResource]] = {
    "Namespace": kubernetes.core.v1.Namespace,
    "PriorityClass": kubernetes.scheduling.v1.PriorityClass,
    "ResourceQuota": kubernetes.core.v1.ResourceQuota,
    "LimitRange": kubernetes.core.v1.LimitRange,
    "ConfigMap": kubernetes.core.v1.ConfigMap,
    "Secret": kubernetes.core.v1.Secret,
    "PersistentVolume": kubernetes.core.v1.PersistentVolume,
    "PersistentVolumeClaim": kubernetes.core.v1.PersistentVolumeClaim,
    "Service": kubernetes.core.v1.Service,
    "ServiceAccount": kubernetes.core.v1.ServiceAccount,
    "DaemonSet": kubernetes.apps.v1.DaemonSet,
    "Deployment": kubernetes.apps.v1.Deployment,
    "StatefulSet": kubernetes.apps.v1.StatefulSet,
    "Job": kubernetes.batch.v1.Job,
    "CronJob": kubernetes.batch.v1.CronJob,
    "ClusterRole": kubernetes.rbac.v1.ClusterRole,
    "ClusterRoleBinding": kubernetes.rbac.v1.ClusterRoleBinding,
    "Role": kubernetes.rbac.v1.Role,
    "RoleBinding": kubernetes.rbac.v1.RoleBinding,
}


def declare(
    resource: str, manifest: Manifest, options: pulumi.ResourceOptions
) -> pulumi.CustomResource:
    """Declare an object.

    Args:
        resource: Its name in the program.
        manifest: A kind of this module, or one with its apiVersion, of a custom resource; values
            may be outputs.
        options: Its parent, and what it comes after.
    """
    kind = manifest["kind"]
    body = {key: value for key, value in manifest.items() if key not in {"kind", "apiVersion"}}
    if "apiVersion" in manifest:
        return kubernetes.apiextensions.CustomResource(
            resource,
            api_version=manifest["apiVersion"],
            kind=kind,
            metadata=body["metadata"],
            spec=body["spec"],
            opts=options,
        )
    arguments = {to_snake(key): value for key, value in body.items()}
    return _CLASSES[kind](resource, **arguments, opts=options)


def declare_all(
    name: str, manifests: Iterable[Manifest], options: pulumi.ResourceOptions
) -> list[pulumi.CustomResource]:
    """Declare objects of which each needs those before it."""
    made: list[pulumi.CustomResource] = []
    for manifest in manifests:
        after = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[*made]))
        made.append(declare(f"{name}-{manifest['kind'].lower()}", manifest, after))
    return made


def declare_each(name: str, manifests: Iterable[Manifest], options: pulumi.ResourceOptions) -> None:
    """Declare objects of which none needs another, at most one of a kind in a namespace."""
    for number, manifest in enumerate(manifests):
        kind = manifest["kind"].lower()
        where = manifest["metadata"].get("namespace", "cluster")
        # Version 0.1 named them by their place in the row.
        alias = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=f"{name}-{number}-{kind}")])
        declare(f"{name}-{where}-{kind}", manifest, pulumi.ResourceOptions.merge(options, alias))


def rights(
    name: str, namespaces: Iterable[str] | None, account: str, home: str, rules: Sequence[Manifest]
) -> list[Manifest]:
    """Return a role and its binding to a ServiceAccount.

    Args:
        name: Of both.
        namespaces: Where the account may do it; None for the whole cluster.
        account: The ServiceAccount.
        home: Its namespace.
        rules: What it may do.
    """
    subject = {"kind": "ServiceAccount", "name": account, "namespace": home}
    if namespaces is None:
        role = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name}
        return [
            {"kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
            {
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": role,
                "subjects": [subject],
            },
        ]
    found: list[Manifest] = []
    for namespace in namespaces:
        metadata = {"name": name, "namespace": namespace}
        role = {"apiGroup": _RBAC, "kind": "Role", "name": name}
        found += [
            {"kind": "Role", "metadata": metadata, "rules": rules},
            {"kind": "RoleBinding", "metadata": metadata, "roleRef": role, "subjects": [subject]},
        ]
    return found
