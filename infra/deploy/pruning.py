"""What is no longer part of the platform goes, if it is the platform's and nobody else's too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from infra.deploy import live
from infra.deploy.inventory import Entry, carried, merged, ordered
from infra.deploy.ownership import Ownership, identities, inventories, whose
from infra.kubectl import KubectlError
from infra.output import Print
from infra.render.manifests import CLUSTER_SCOPED, Identity, Manifest

# The PriorityClasses of version 0.1, which all platforms of a cluster shared.
_SHARED = frozenset({"updraft-control-plane", "updraft-monitoring", "updraft-tasks"})


def prune(
    ownership: Ownership,
    new: Sequence[Entry],
    output: Print,
    *,
    manifests: Sequence[Manifest],
    late: bool = False,
) -> tuple[list[Identity], list[Identity]]:
    """Remove what only the inventory of before knows, but for what holds data or is still named.

    Args:
        ownership: By the inventory of before.
        new: What is part of the platform now.
        output: Told what happens, a line at a time.
        manifests: The same, as it is stated.
        late: Whether some of it is still as it was before, and needs what that needed.

    Returns:
        What has gone, and what stays.
    """
    known = {one.identity for one in new}
    old = [one for one in ordered(ownership.entries) if one.identity not in known]
    named = {(one.identity.namespace, name) for one in manifests for name in _secrets(one)}
    held = [one for one in old if late and one.identity.kind in CLUSTER_SCOPED]
    kept = [one for one in old if one.keeps]
    given = [
        one
        for one in old
        if one.identity.kind == "Secret" and (one.identity.namespace, one.identity.name) in named
    ]
    stay = [*held, *kept, *given]
    gone = delete(ownership, [one for one in old if one not in stay], output)
    for one in kept:
        output(f"{one.identity} is no longer part of the platform, but holds data: it stays")
    for one in given:
        output(f"{one.identity} is no longer made, but the settings name it: it stays")
    before = merged(ownership.entries, carried(ownership.entries, new))
    ownership.inventory.write(merged([*held, *kept], new), known=before)
    return [one.identity for one in gone], [one.identity for one in kept]


def delete(ownership: Ownership, gone: Sequence[Entry], output: Print) -> list[Entry]:
    """Delete what is the platform's of these, backwards; return what was deleted or has gone."""
    there = live.read(ownership.kubectl, [one.identity for one in gone])
    shared = _shared(ownership, [one.identity for one in gone if not one.labelled])
    deleted: list[Entry] = []
    for one in reversed(ordered(gone)):
        body = there.get(one.identity)
        if body and not ownership.is_ours(body):
            output(f"{one.identity} stays: {whose(body)}")
        elif one.identity in shared:
            output(
                f"{one.identity} stays: another platform may use it. When none does: "
                f"kubectl delete priorityclass {one.identity.name}"
            )
        else:
            deleted.append(one)
    present = [one for one in deleted if one.identity in there]
    for _, rows in groupby(present, key=lambda one: one.identity[:3]):
        alike = [one.identity for one in rows]
        place = f" in {alike[0].namespace}" if alike[0].namespace else ""
        output(f"removing {alike[0].kind} {', '.join(one.name for one in alike)}{place}")
        ownership.inventory.delete(*alike)
    return deleted


def _secrets(value: Any) -> Iterator[str]:
    """Yield the names of the Secrets that an object refers to, wherever it does."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            if key == "secretName" and isinstance(below, str):
                yield below
            refers = key in {"secretKeyRef", "secretRef", "secret"}
            if refers and isinstance(below, Mapping) and "name" in below:
                yield str(below["name"])
            yield from _secrets(below)
    elif isinstance(value, list):
        for each in value:
            yield from _secrets(each)


def _shared(ownership: Ownership, gone: Sequence[Identity]) -> set[Identity]:
    """Return those PriorityClasses of version 0.1 that another platform's pods need, or may."""
    ours = {one for one in gone if one.kind == "PriorityClass" and one.name in _SHARED}
    if not ours:
        return set()
    try:
        rows = ownership.kubectl.run(
            "get", "pods", "--all-namespaces", "-o",
            r"jsonpath={range .items[*]}{.metadata.namespace} {.spec.priorityClassName}{'\n'}{end}",
        )  # fmt: skip
    except KubectlError as error:
        # Who may not look can't know that nobody uses it.
        if "forbidden" in error.stderr.lower():
            return ours
        raise
    used = (row.split() for row in rows.splitlines())
    namespaces = {row[0] for row in used if len(row) > 1 and row[1] in _SHARED}
    namespaces |= {
        str(one["metadata"]["namespace"])
        for one in inventories(ownership.kubectl)
        if not ours.isdisjoint(identities(one))
    }
    return ours if namespaces - set(ownership.owner.namespaces) else set()
