"""What the embedded engine has put on a cluster, kept there, so that what has gone is removed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.deploy import live
from infra.deploy.owner import Owner
from infra.errors import UpdraftError
from infra.kubectl import Kubectl
from infra.render.manifests import KINDS, Identity, Manifest
from infra.values import names

NAME = "updraft-inventory"
# Their deletion would take data along that no later deploy brings back.
HOLDS_DATA = frozenset({"Namespace", "PersistentVolumeClaim", "PersistentVolume"})


@dataclass(frozen=True)
class Entry:
    """One object of the inventory.

    Args:
        identity: The object.
        retain: Whether it outlives its resource and the platform.
        labelled: Whether it bears the platform's label. What version 0.1 has made does not before
            it is deployed again.
    """

    identity: Identity
    retain: bool
    labelled: bool = True

    @property
    def keeps(self) -> bool:
        """Whether a deploy leaves it when it has gone from the program."""
        return self.retain or self.identity.kind in HOLDS_DATA


class Inventory:
    """The ConfigMap `updraft-inventory` of a platform.

    Args:
        kubectl: The cluster.
        owner: The platform.
    """

    def __init__(self, kubectl: Kubectl, owner: Owner) -> None:
        self.kubectl = kubectl
        self.owner = owner
        self.identity = Identity("v1", "ConfigMap", owner.home, NAME)

    def read(self) -> tuple[list[Entry], bool]:
        """Return what is known to be there, and whether version 0.1 alone has written it.

        On a fresh cluster it is nothing.

        Raises:
            UpdraftError: The ConfigMap is another platform's, or holds something else.
        """
        found = live.read(self.kubectl, [self.identity]).get(self.identity)
        if not found:
            return [], False
        # Version 0.1 gave no label.
        label = (found["metadata"].get("labels") or {}).get(names.OWNER, "")
        if label not in {"", self.owner.platform}:
            raise UpdraftError(
                f"the namespace {self.owner.home} is the platform {label}'s, "
                f"not {self.owner.platform}'s",
                where=str(self.identity),
                fix=f"choose other namespaces by updraft:namespaces; if it is this platform that "
                f"had another name, keep it: updraft:platform.name: {label}",
            )
        try:
            rows = json.loads(found["data"]["objects"])
            older = not label and not any("labelled" in row for row in rows)
            entries = [
                Entry(listed(row), bool(row["retain"]), bool(row.get("labelled"))) for row in rows
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise UpdraftError(
                "the inventory is damaged",
                where=str(self.identity),
                fix="delete it; the next deploy writes a new one, but removes nothing older",
            ) from error
        return entries, older

    def write(self, entries: Sequence[Entry], *, known: Sequence[Entry]) -> None:
        """Keep these entries, unless they are what is known to be kept already."""
        if ordered(entries) == ordered(known):
            return
        rows = [_row(one) for one in ordered(entries)]
        text = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"
        labels = {"app.kubernetes.io/managed-by": "updraft", **self.owner.label}
        metadata = {"name": NAME, "namespace": self.owner.home, "labels": labels}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        self.kubectl.apply([{**body, "data": {"objects": text}}])

    def delete(self, *alike: Identity, timeout: int = 120) -> None:
        """Delete objects of one kind and place and wait until they have gone, if they are there."""
        where = ["-n", alike[0].namespace] if alike[0].namespace else []
        self.kubectl.run(
            "delete", alike[0].resource, *(one.name for one in alike), *where,
            "--ignore-not-found", "--cascade=foreground", f"--timeout={timeout}s",
            timeout=timeout + 10,
        )  # fmt: skip


def listed(row: Mapping[str, Any]) -> Identity:
    """Return the object of an inventory's row.

    Raises:
        KeyError, TypeError: It is no such row.
    """
    if not all(isinstance(each, str) for each in row["object"]):
        raise TypeError(row)
    return Identity(*row["object"])


def entries(manifests: Iterable[Manifest]) -> list[Entry]:
    """Return the inventory of a set of manifests."""
    return [Entry(one.identity, one.retain) for one in manifests]


def carried(old: Iterable[Entry], new: Iterable[Entry]) -> list[Entry]:
    """Return the new entries, each unlabelled where the old one is: nothing is applied yet."""
    unlabelled = {one.identity for one in old if not one.labelled}
    return [dataclasses.replace(one, labelled=one.identity not in unlabelled) for one in new]


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


def _row(one: Entry) -> dict[str, object]:
    return {"object": list(one.identity), "retain": one.retain, "labelled": one.labelled}
