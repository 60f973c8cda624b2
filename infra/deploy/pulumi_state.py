"""What a stack's exported state says, and how it is given what the cluster has and it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.deploy.owner import Owner
from infra.errors import UpdraftError
from infra.render.manifests import Identity
from infra.render.resource import RELEASE, STACK, Resource

_KUBERNETES = "kubernetes:"
_PROVIDER = "pulumi:providers:kubernetes"


@dataclass(frozen=True)
class State:
    """A stack's state, as `pulumi stack export` gives it."""

    whole: Mapping[str, Any]

    @property
    def resources(self) -> list[Mapping[str, Any]]:
        """Everything that it has."""
        return (self.whole.get("deployment") or {}).get("resources") or []

    @property
    def urns(self) -> set[str]:
        """The URN of each resource."""
        return {str(one["urn"]) for one in self.resources}

    @property
    def knows_release(self) -> bool:
        """Whether it has a Helm release."""
        return any(one.get("type") == RELEASE and one.get("id") for one in self.resources)

    @property
    def pending(self) -> list[Mapping[str, Any]]:
        """Operations that a killed run has left open."""
        return (self.whole.get("deployment") or {}).get("pending_operations") or []

    @property
    def creating(self) -> set[str]:
        """URNs of what a killed run was making, and may have made."""
        return {str(one["resource"]["urn"]) for one in self.pending if one["type"] == "creating"}

    def without_pending(self) -> dict[str, Any]:
        """Return the whole without operations that a killed run has left open."""
        deployment = {**(self.whole.get("deployment") or {})}
        deployment.pop("pending_operations", None)
        return {**self.whole, "deployment": deployment}

    def namespaces(self) -> set[str]:
        """Return where the platform is, by what the last run has exported."""
        stacks = [one for one in self.resources if one.get("type") == STACK]
        made = any(str(one.get("type")).startswith(_KUBERNETES) for one in self.resources)
        exported = (stacks[0].get("outputs") or {}).get("namespaces") if stacks and made else None
        given = exported if isinstance(exported, Mapping) else {}
        return {str(given[each]) for each in ("airflow", "tasks", "monitoring") if each in given}

    def refuse_move(self, owner: Owner) -> None:
        """Refuse other namespaces than the platform is in: all would be made a second time.

        Raises:
            UpdraftError: The settings name another.
        """
        left = self.namespaces() - set(owner.namespaces)
        if left:
            found = ", ".join(sorted(left))
            raise UpdraftError(
                f"the platform {owner.platform} is in {found}, and can't be moved: "
                "both would run on the same database",
                where="updraft:namespaces: " + ", ".join(owner.namespaces),
                fix=f"name {found} again; or destroy the platform, then deploy it with the new "
                "names; or use a second stack for a second platform",
            )


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


def identity(resource: Resource) -> Identity | None:
    """Return which object of the cluster a resource is; None for one that is no such object."""
    inputs = resource["inputs"]
    if not resource["custom"] or not resource["type"].startswith(_KUBERNETES):
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
    table = {"cluster": f"urn:pulumi:{stack}::{project}::{_PROVIDER}::cluster"}
    rows: list[dict[str, Any]] = []
    for component in above.values():
        if urn(component, stack, project) in have:
            table[component["name"]] = urn(component, stack, project)
        else:
            rows.append({"type": component["type"], "name": component["name"], "component": True})
    for one in imports:
        row = {"type": one.resource["type"], "name": one.resource["name"], "id": one.id}
        if one.resource["type"].startswith(_KUBERNETES):
            row["provider"] = "cluster"
        if one.resource["parent"] in above:
            row["parent"] = above[one.resource["parent"]]["name"]
        rows.append(row)
    return {"nameTable": table, "resources": rows}
