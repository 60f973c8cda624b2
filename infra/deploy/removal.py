"""What goes: objects that are no longer part of the platform, and the platform itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from infra.deploy import live
from infra.deploy.inventory import NAME, Entry, carried, merged, ordered
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership, whose
from infra.deploy.strangers import strangers
from infra.kubectl import Kubectl, KubectlError
from infra.output import Print
from infra.render.manifests import Identity
from infra.values import names

# Of the PriorityClasses of version 0.1, which all platforms of a cluster shared.
_SHARED = frozenset({"updraft-control-plane", "updraft-monitoring", "updraft-tasks"})
_MOST_NAMED = 5


def prune(
    ownership: Ownership, new: Sequence[Entry], output: Print
) -> tuple[list[Identity], list[Identity]]:
    """Remove what only the inventory of before knows, but for what holds data.

    Args:
        ownership: By the inventory of before.
        new: What is part of the platform now.
        output: Told what happens, a line at a time.

    Returns:
        What has gone, and what stays.
    """
    known = {one.identity for one in new}
    old = [one for one in ordered(ownership.entries) if one.identity not in known]
    kept = [one for one in old if one.keeps]
    gone = _delete(ownership, [one for one in old if not one.keeps], output)
    for one in kept:
        output(f"{one.identity} is no longer part of the platform, but holds data: it stays")
    before = merged(ownership.entries, carried(ownership.entries, new))
    ownership.inventory.write(merged(kept, new), known=before)
    return [one.identity for one in gone], [one.identity for one in kept]


def destroy(config: Mapping[str, object], *, kubectl: Kubectl, output: Print) -> list[Identity]:
    """Delete everything that the inventory knows, but what is to outlive the platform.

    Returns:
        What stays: retained objects, and the namespaces that they are in.
    """
    owner = Owner.of(config)
    ownership = Ownership.read(kubectl, owner)
    kept = [one for one in ownership.entries if one.retain and one.identity.kind != "Namespace"]
    gone = [
        one for one in ownership.entries if one not in kept and one.identity.kind != "Namespace"
    ]
    _delete(ownership, gone, output)
    left = delete_namespaces(ownership, output)
    spaces = [one for one in ownership.entries if one.identity in left]
    stay = [*spaces, *kept]
    home = Identity("v1", "Namespace", "", owner.home)
    if home in left or not owner.creates:
        if kept:
            ownership.inventory.write(stay, known=ownership.entries)
        else:
            ownership.inventory.delete(ownership.inventory.identity)
    return [one.identity for one in stay]


def delete_namespaces(ownership: Ownership, output: Print) -> set[Identity]:
    """Delete the platform's namespaces in which nothing is left that is to stay.

    Returns:
        Those that are still there.
    """
    kubectl, owner = ownership.kubectl, ownership.owner
    if not owner.creates:
        return set()
    wanted = [Identity("v1", "Namespace", "", name) for name in owner.namespaces]
    left: set[Identity] = set()
    for one, body in live.read(kubectl, wanted).items():
        why = "" if ownership.is_ours(body) else whose(body)
        why = why or _occupied(kubectl, owner, one.name)
        if why:
            output(f"{one} stays: {why}")
            left.add(one)
        else:
            output(f"removing {one}")
            ownership.inventory.delete(one)
    return left


def _occupied(kubectl: Kubectl, owner: Owner, namespace: str) -> str:
    """Why a namespace can't be deleted; empty where it can."""
    kept = kubectl.items(
        "secrets,persistentvolumeclaims", "-n", namespace,
        "--selector", f"{names.OWNER}={owner.platform}",
    )  # fmt: skip
    if kept:
        return f"it holds {', '.join(str(live.identity(one)) for one in kept)}, to be kept"
    try:
        found = strangers(kubectl, owner, namespace)
    except KubectlError as error:
        return f"what else is in it can't be told: {error.what}"
    if not found:
        return ""
    named = [f"{one.kind} {one.name}" for one in found[:_MOST_NAMED]]
    more = [f"{len(found) - _MOST_NAMED} more"] if len(found) > _MOST_NAMED else []
    return (
        f"others have put into it {', '.join([*named, *more])}. "
        f"When nobody needs them: kubectl delete namespace {namespace}"
    )


def _delete(ownership: Ownership, gone: Sequence[Entry], output: Print) -> list[Entry]:
    """Delete what is the platform's of these, backwards; return what was deleted or has gone."""
    there = live.read(ownership.kubectl, [one.identity for one in gone])
    shared = _shared(ownership, [one.identity for one in gone if not one.labelled])
    deleted: list[Entry] = []
    for one in reversed(ordered(gone)):
        body = there.get(one.identity)
        if body and not ownership.is_ours(body):
            output(f"{one.identity} stays: {whose(body)}")
        elif one.identity in shared:
            output(f"{one.identity} stays: another platform uses it; its last one may delete it")
        else:
            deleted.append(one)
    for _, rows in groupby(deleted, key=lambda one: one.identity[:3]):
        alike = [one.identity for one in rows]
        place = f" in {alike[0].namespace}" if alike[0].namespace else ""
        output(f"removing {alike[0].kind} {', '.join(one.name for one in alike)}{place}")
        ownership.inventory.delete(*alike)
    return deleted


def _shared(ownership: Ownership, gone: Sequence[Identity]) -> set[Identity]:
    """Return those PriorityClasses of version 0.1 that another platform's pods need, or may."""
    ours = {one for one in gone if one.kind == "PriorityClass" and one.name in _SHARED}
    if not ours:
        return set()
    rows = ownership.kubectl.run(
        "get", "pods", "--all-namespaces", "-o",
        r"jsonpath={range .items[*]}{.metadata.namespace} {.spec.priorityClassName}{'\n'}{end}",
    )  # fmt: skip
    used = (row.split() for row in rows.splitlines())
    namespaces = {row[0] for row in used if len(row) > 1 and row[1] in _SHARED}
    found = ownership.kubectl.items(
        "configmaps", "--all-namespaces", "--field-selector", f"metadata.name={NAME}"
    )
    others = [one for one in found if any(each in one["data"]["objects"] for each in _SHARED)]
    namespaces |= {str(one["metadata"]["namespace"]) for one in others}
    return ours if namespaces - set(ownership.owner.namespaces) else set()
