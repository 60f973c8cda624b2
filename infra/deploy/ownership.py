"""Whose is an object of the cluster? What isn't the platform's is neither changed nor deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from infra.deploy import live
from infra.deploy.inventory import NAME, Entry, Inventory, listed
from infra.deploy.live import Body
from infra.deploy.owner import Owner
from infra.errors import UpdraftError
from infra.kubectl import Kubectl, KubectlError
from infra.render.manifests import Identity
from infra.values import names

_HELM = "meta.helm.sh/release-name"
_MANAGER = "app.kubernetes.io/managed-by"


@dataclass(frozen=True)
class Ownership:
    """The rule, for one platform.

    An object is the platform's by its label or, made by version 0.1, by the platform's inventory.

    Args:
        kubectl: The cluster.
        owner: The platform.
        entries: Its inventory.
        older: Whether version 0.1 alone has written that: then it says not whose it is.
    """

    kubectl: Kubectl
    owner: Owner
    entries: tuple[Entry, ...]
    older: bool = False

    @classmethod
    def read(cls, kubectl: Kubectl, owner: Owner) -> Ownership:
        """Return the rule by what the cluster knows now.

        Raises:
            UpdraftError: The inventory is another platform's, or damaged.
        """
        entries, older = Inventory(kubectl, owner).read()
        return cls(kubectl, owner, tuple(entries), older)

    @property
    def inventory(self) -> Inventory:
        """What keeps the entries."""
        return Inventory(self.kubectl, self.owner)

    def is_ours(self, body: Body) -> bool:
        """Whether an object of the cluster is the platform's."""
        label = _label(body)
        if label:
            return label == self.owner.platform
        return live.identity(body) in self._unlabelled

    @cached_property
    def _unlabelled(self) -> frozenset[Identity]:
        return frozenset(one.identity for one in self.entries if not one.labelled)

    def foreign(self, wanted: Iterable[Identity]) -> dict[Identity, Body]:
        """Return those of the objects that are there and not the platform's."""
        there = live.read(self.kubectl, wanted)
        return {one: body for one, body in there.items() if not self.is_ours(body)}

    def refuse_foreign(self, wanted: Iterable[Identity]) -> None:
        """Refuse to go on where an object that is to be made is somebody else's.

        Raises:
            UpdraftError: It is; each is named.
        """
        found = self.foreign(wanted)
        if found:
            raise UpdraftError(
                "\n".join(
                    [
                        f"not of the platform {self.owner.platform}, and so not touched:",
                        *(f"  {one}: {whose(body)}" for one, body in sorted(found.items())),
                    ]
                ),
                where=f"context {self.kubectl.context}",
                fix=_way_out(found, movable=not self.entries),
            )

    def refuse_move(self, is_own: Callable[[Ownership], bool] = lambda _: False) -> None:
        """Refuse other namespaces than the platform is in: all would be made a second time.

        Args:
            is_own: Whether a platform of version 0.1, which bears no name, is this one.

        Raises:
            UpdraftError: The platform is elsewhere.
        """
        places = [one for one in self._homes(is_own) if one != self.owner.home]
        left = [
            one.identity
            for one in self.entries
            if _place(one.identity) not in {"", *self.owner.namespaces}
        ]
        there = live.read(self.kubectl, left)
        places += [_place(one) for one, body in there.items() if self.is_ours(body)]
        if places:
            found = ", ".join(sorted(set(places)))
            raise UpdraftError(
                f"the platform {self.owner.platform} is in {found}, and can't be moved: "
                "both would run on the same database",
                where="updraft:namespaces: " + ", ".join(self.owner.namespaces),
                fix=f"name {found} again; or remove the platform (make down), then deploy it with "
                "the new names; or give this one another name by updraft:platform.name: where it "
                "is a second platform, or only what was kept of a removed one is left there",
            )

    def refuse_missing_namespaces(self, used: Iterable[str] | None = None) -> None:
        """Refuse to go on without the namespaces that the settings say are there.

        Args:
            used: Those in which something is put; by default all three.

        Raises:
            UpdraftError: One is missing.
        """
        if self.owner.creates:
            return
        names_ = self.owner.namespaces if used is None else used
        wanted = {live.namespace(name) for name in names_}
        missing = sorted(one.name for one in wanted - live.read(self.kubectl, wanted).keys())
        if missing:
            raise UpdraftError(
                f"there is no namespace {', '.join(missing)}",
                where="updraft:namespaces.create: false",
                fix=f"kubectl create namespace {missing[0]}; or leave create out, "
                "which has Updraft make all three",
            )

    def take(self, one: Identity) -> None:
        """Make an object the platform's, by its label alone."""
        where = ["-n", one.namespace] if one.namespace else []
        label = f"{names.OWNER}={self.owner.platform}"
        self.kubectl.run("label", one.resource, one.name, *where, label, "--overwrite")

    def _homes(self, is_own: Callable[[Ownership], bool]) -> list[str]:
        homes = []
        for one in inventories(self.kubectl):
            namespace, label = str(one["metadata"]["namespace"]), _label(one)
            elsewhere = replace(self.owner, namespaces=(namespace, *self.owner.namespaces[1:]))
            older = Ownership(self.kubectl, elsewhere, _secrets(one), older=True)
            if label == self.owner.platform or (not label and is_own(older)):
                homes.append(namespace)
        return homes


def inventories(kubectl: Kubectl) -> list[dict[str, Any]]:
    """Return the inventories of all platforms; who may not look beyond a namespace sees none."""
    where = ("--all-namespaces", "--field-selector", f"metadata.name={NAME}")
    try:
        return kubectl.items("configmaps", *where)
    except KubectlError as error:
        if "forbidden" in error.stderr.lower():
            return []
        raise


def identities(inventory: Body) -> set[Identity]:
    """Return what an inventory lists; nothing of one that isn't Updraft's, or is damaged."""
    try:
        return {listed(row) for row in json.loads(inventory["data"]["objects"])}
    except (KeyError, TypeError, ValueError):
        return set()


def _secrets(inventory: Body) -> tuple[Entry, ...]:
    found = (one for one in identities(inventory) if one.kind == "Secret")
    return tuple(Entry(one, retain=False, labelled=False) for one in found)


def whose(body: Body) -> str:
    """Return in words whose an object is, as far as it says so."""
    metadata = body["metadata"]
    annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    if label := _label(body):
        return f"of the platform {label}"
    if release := annotations.get(_HELM):
        return f"of the Helm release {release}"
    if manager := labels.get(_MANAGER):
        return f"managed by {manager}"
    return "it bears no platform's label"


def _label(body: Body) -> str:
    return str((body["metadata"].get("labels") or {}).get(names.OWNER, ""))


def _place(one: Identity) -> str:
    return one.name if one.kind == "Namespace" else one.namespace


def _way_out(found: Mapping[Identity, Body], *, movable: bool) -> str:
    ways = ["have these renamed or removed by whoever made them"]
    if any(one.kind == "Namespace" for one in found):
        ways.append("deploy into namespaces that are there by updraft:namespaces.create: false")
    if movable and any(one.namespace or one.kind == "Namespace" for one in found):
        ways.append("choose other namespaces by updraft:namespaces")
    ways.append("take over what is yours, one by one, by make adopt, which lists it first")
    return "; or ".join(ways)
