"""What `pulumi import --file` reads: resources of the program that a cluster has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.deploy.pulumi_state import KUBERNETES, PROVIDER
from infra.render.manifests import Identity
from infra.render.resource import RELEASE, STACK, Resource


@dataclass(frozen=True)
class Import:
    """A resource of the program that the cluster has and the state lacks.

    Args:
        resource: As the program declares it.
        id: By which its provider finds it.
    """

    resource: Resource
    id: str


def urn(resource: Resource, stack: str, project: str) -> str:
    """Return a resource's URN as Pulumi's engine has it; the recorder's differ above it."""
    parent = resource["parent"].split("::")[2].rpartition("$")[2] if resource["parent"] else STACK
    above = "" if parent == STACK else f"{parent}$"
    return f"urn:pulumi:{stack}::{project}::{above}{resource['type']}::{resource['name']}"


def provider(stack: str, project: str) -> str:
    """Return the URN of the program's provider of Kubernetes."""
    return f"urn:pulumi:{stack}::{project}::{PROVIDER}::cluster"


def identity(resource: Resource) -> Identity | None:
    """Return which object of the cluster a resource is; None for one that is no such object."""
    inputs = resource["inputs"]
    if not resource["custom"] or not resource["type"].startswith(KUBERNETES):
        return None
    if resource["type"] == RELEASE:
        return None
    metadata = inputs["metadata"]
    return Identity(
        inputs["apiVersion"], inputs["kind"], metadata.get("namespace", ""), metadata["name"]
    )


def import_file(
    imports: Sequence[Import],
    resources: Iterable[Resource],
    stack: str,
    project: str,
    have: set[str],
) -> dict[str, Any]:
    """Return what `pulumi import --file` reads.

    Args:
        imports: What is to be imported.
        resources: The whole program's, for the components above them.
        stack: The stack's name.
        project: The project's.
        have: URNs that the state has.
    """
    components = {one["urn"]: one for one in resources if not one["custom"]}
    above = {
        one.resource["parent"]: components[one.resource["parent"]]
        for one in imports
        if one.resource["parent"] in components
    }
    table = {"cluster": provider(stack, project)}
    rows: list[dict[str, Any]] = []
    for component in above.values():
        if urn(component, stack, project) in have:
            table[component["name"]] = urn(component, stack, project)
        else:
            rows.append({"type": component["type"], "name": component["name"], "component": True})
    for one in imports:
        row = {"type": one.resource["type"], "name": one.resource["name"], "id": one.id}
        if one.resource["type"].startswith(KUBERNETES):
            row["provider"] = "cluster"
        if one.resource["parent"] in above:
            row["parent"] = above[one.resource["parent"]]["name"]
        rows.append(row)
    return {"nameTable": table, "resources": rows}
