"""What a stack's exported state says, and the same with something of it changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from infra.deploy.inventory import Entry
from infra.deploy.owner import Owner
from infra.errors import UpdraftError
from infra.kubectl import FIELD_MANAGER
from infra.render.manifests import Identity
from infra.render.resource import RELEASE, STACK
from infra.values import names

Row = Mapping[str, Any]

KUBERNETES = "kubernetes:"
PROVIDER = "pulumi:providers:kubernetes"
NAMESPACE = "kubernetes:core/v1:Namespace"
# How pulumi-kubernetes names each object's field manager, and where its state keeps the name.
_PULUMIS = "pulumi-kubernetes-"
_MANAGER = "__fieldManager"
# How `pulumi stack export --show-secrets` marks a secret.
_PLAINTEXT = "plaintext"


@dataclass(frozen=True)
class State:
    """A stack's state, as `pulumi stack export` gives it."""

    whole: Mapping[str, Any]

    @property
    def resources(self) -> list[Row]:
        """Everything that it has."""
        return (self.whole.get("deployment") or {}).get("resources") or []

    @property
    def current(self) -> list[Row]:
        """What of it is there, as far as it knows: not what is to be deleted, or is already."""
        return [
            one
            for one in self.resources
            if not one.get("delete") and not one.get("pendingReplacement")
        ]

    @property
    def urns(self) -> set[str]:
        """The URN of each resource."""
        return {str(one["urn"]) for one in self.resources}

    @property
    def release(self) -> Row | None:
        """Its Helm release."""
        rows = (one for one in self.current if one.get("type") == RELEASE and one.get("id"))
        return next(rows, None)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The objects that it has, labelled or not: version 0.1 gave no label."""
        found = {one: row for row in self.current if (one := object_of(row))}
        return tuple(
            Entry(one, bool(row.get("retainOnDelete")), labelled=False)
            for one, row in found.items()
        )

    @property
    def pending(self) -> list[Row]:
        """Operations that a killed run has left open."""
        return (self.whole.get("deployment") or {}).get("pending_operations") or []

    @property
    def creating(self) -> list[Row]:
        """What a killed run was making, and may have made."""
        return [one["resource"] for one in self.pending if one["type"] == "creating"]

    @property
    def version(self) -> object:
        """What another run changes."""
        rows = [(one["urn"], one.get("id"), one.get("modified")) for one in self.resources]
        time = ((self.whole.get("deployment") or {}).get("manifest") or {}).get("time")
        return time, rows, [one["resource"]["urn"] for one in self.pending]

    def drawn(self, type_: str, name: str) -> tuple[str, str] | None:
        """Return URN and value of a random resource; None where the state has none.

        Only of a state that was exported with its secrets.
        """
        for one in self.current:
            if one.get("type") == type_ and str(one["urn"]).endswith(f"::{name}"):
                outputs = one.get("outputs") or {}
                return str(one["urn"]), plain(outputs.get("result") or outputs.get("base64"))
        return None

    def without_pending(self) -> State:
        """Return it without the operations that a killed run has left open."""
        deployment = {**(self.whole.get("deployment") or {})}
        deployment.pop("pending_operations", None)
        return State({**self.whole, "deployment": deployment})

    def retained(self, urns: Collection[str]) -> State:
        """Return it with what its program retains so marked, and every namespace.

        A state of version 0.1 lacks the marks, and so does what has been imported.
        """
        return self._with([_marked(one, urns) for one in self.resources])

    def declared(self, inputs: Mapping[str, Mapping[str, Any]]) -> State:
        """Return it with what was imported, and so is protected, as the program has declared it.

        An import takes what the API server has filled in, such as a claim's volume, for declared:
        the next run would replace the object for want of it, and delete a volume with its data. By
        another field manager than before, what has changed is in conflict, and what has gone stays.

        Args:
            inputs: Of the program's objects, by URN.
        """
        return self._with(
            [
                _declared(one, inputs.get(one["urn"])) if _is_imported(one) else one
                for one in self.resources
            ]
        )

    def without(self, urns: Collection[str]) -> State:
        """Return it without some resources, on which nothing then depends."""
        left = [one for one in self.resources if one["urn"] not in urns]
        return self._with([_independent(one, urns) for one in left])

    def _with(self, rows: list[Row]) -> State:
        if rows == self.resources:
            return self
        deployment = {**(self.whole.get("deployment") or {}), "resources": rows}
        return State({**self.whole, "deployment": deployment})

    def namespaces(self) -> set[str]:
        """Return where the platform is, by what the last run has exported."""
        stacks = [one for one in self.resources if one.get("type") == STACK]
        made = any(str(one.get("type")).startswith(KUBERNETES) for one in self.resources)
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


def object_of(row: Row) -> Identity | None:
    """Return which object of a cluster a row of a state is; None for one that is no such object."""
    if not str(row.get("type")).startswith(KUBERNETES) or row.get("type") == RELEASE:
        return None
    inputs = row.get("inputs") or {}
    metadata = inputs.get("metadata")
    if not isinstance(metadata, Mapping) or "name" not in metadata or "kind" not in inputs:
        return None
    return Identity(
        inputs["apiVersion"], inputs["kind"], metadata.get("namespace", ""), metadata["name"]
    )


def plain(value: object) -> str:
    """Return a text of a state that was exported with its secrets; empty where it is none."""
    if isinstance(value, Mapping):
        return plain(json.loads(value[_PLAINTEXT])) if _PLAINTEXT in value else ""
    return value if isinstance(value, str) else ""


def _marked(row: Row, urns: Collection[str]) -> Row:
    to_retain = row["urn"] in urns or row.get("type") == NAMESPACE
    return {**row, "retainOnDelete": True} if to_retain else row


def _is_imported(row: Row) -> bool:
    """Whether no run of the program has seen it yet: whom users protect, one has."""
    return bool(row.get("protect")) and not row.get("propertyDependencies")


def _declared(row: Row, declared: Mapping[str, Any] | None) -> Row:
    row = {key: value for key, value in row.items() if key != "protect"}
    if declared is None:
        return row
    outputs = {**(row.get("outputs") or {}), _MANAGER: _manager(row)}
    # A Job is made anew: one that a killed run has left may have failed.
    if "spec" not in declared or declared["kind"] in {"Job", "Namespace"}:
        return {**row, "outputs": outputs}
    metadata = declared["metadata"]
    # Without its label, so that the next run applies it, and waits for it.
    labels = {key: one for key, one in metadata.get("labels", {}).items() if key != names.OWNER}
    inputs = {**declared, "metadata": {**metadata, "labels": labels}}
    if "__inputs" in outputs:
        outputs["__inputs"] = inputs
    return {**row, "inputs": inputs, "outputs": outputs}


def _manager(row: Row) -> str:
    """Return by what name an object was applied last, by either engine."""
    outputs = row.get("outputs") or {}
    fields = (outputs.get("metadata") or {}).get("managedFields") or []
    applied = [one for one in fields if one.get("operation") == "Apply"]
    own = [
        str(one["manager"])
        for one in sorted(applied, key=lambda one: str(one.get("time")))
        if one["manager"] == FIELD_MANAGER or str(one["manager"]).startswith(_PULUMIS)
    ]
    return own[-1] if own else str(outputs.get(_MANAGER, ""))


def _independent(row: Row, urns: Collection[str]) -> Row:
    after, by_property = row.get("dependencies") or [], row.get("propertyDependencies") or {}
    if not set(urns) & {*after, *(one for each in by_property.values() for one in each or ())}:
        return row
    return {
        **row,
        "dependencies": [one for one in after if one not in urns],
        "propertyDependencies": {
            key: [one for one in each or () if one not in urns] for key, each in by_property.items()
        },
    }
