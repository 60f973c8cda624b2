"""What the embedded engine has put on a cluster, kept there, so that what has gone is removed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from infra.errors import UpdraftError
from infra.kubectl import Kubectl, KubectlError
from infra.render.manifests import KINDS, Identity, Manifest

NAME = "updraft-inventory"
# Their deletion would take data along that no later deploy brings back.
HOLDS_DATA = frozenset({"Namespace", "PersistentVolumeClaim", "PersistentVolume"})


@dataclass(frozen=True)
class Entry:
    """One object of the inventory.

    Args:
        identity: The object.
        retain: Whether it outlives its resource and the platform.
    """

    identity: Identity
    retain: bool

    @property
    def keeps(self) -> bool:
        """Whether a deploy leaves it when it has gone from the program."""
        return self.retain or self.identity.kind in HOLDS_DATA


class Inventory:
    """The ConfigMap `updraft-inventory` of a platform.

    Args:
        kubectl: The cluster.
        namespace: The control plane's namespace.
    """

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self.kubectl = kubectl
        self.namespace = namespace

    def read(self) -> list[Entry]:
        """Return what is known to be there; nothing on a fresh cluster.

        Raises:
            UpdraftError: The ConfigMap holds something else.
        """
        try:
            found = self.kubectl.json("get", "configmap", NAME, "-n", self.namespace)
        except KubectlError as error:
            if "NotFound" in error.stderr:
                return []
            raise
        try:
            rows = json.loads(found["data"]["objects"])
            return [Entry(Identity(*row["object"]), bool(row["retain"])) for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise UpdraftError(
                "the inventory is damaged",
                where=f"ConfigMap {NAME} in {self.namespace}",
                fix="delete it; the next deploy writes a new one, but removes nothing older",
            ) from error

    def write(self, entries: Sequence[Entry], *, known: Sequence[Entry]) -> None:
        """Keep these entries, unless they are what is known to be kept already."""
        if ordered(entries) == ordered(known):
            return
        rows = [{"object": list(one.identity), "retain": one.retain} for one in ordered(entries)]
        text = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"
        labels = {"app.kubernetes.io/managed-by": "updraft"}
        metadata = {"name": NAME, "namespace": self.namespace, "labels": labels}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        self.kubectl.apply([{**body, "data": {"objects": text}}])

    def delete(self, entry: Entry, timeout: int = 120) -> None:
        """Delete an object and wait until it has gone; one that isn't there is fine."""
        one = entry.identity
        where = ["-n", one.namespace] if one.namespace else []
        self.kubectl.run(
            "delete", one.resource, one.name, *where,
            "--ignore-not-found", "--cascade=foreground", f"--timeout={timeout}s",
            timeout=timeout + 10,
        )  # fmt: skip


def entries(manifests: Iterable[Manifest]) -> list[Entry]:
    """Return the inventory of a set of manifests."""
    return [Entry(one.identity, one.retain) for one in manifests]


def merged(old: Iterable[Entry], new: Iterable[Entry]) -> list[Entry]:
    """Return both, with the new entry where both know the object."""
    whole: Mapping[Identity, Entry] = {one.identity: one for one in [*old, *new]}
    return list(whole.values())


def ordered(whole: Iterable[Entry]) -> list[Entry]:
    """Return entries in order of application; deletion goes the other way."""

    def key(one: Entry) -> tuple[int, Identity]:
        kind = one.identity.kind
        return (KINDS.index(kind) if kind in KINDS else len(KINDS), one.identity)

    return sorted(whole, key=key)
