"""The platform itself goes, with its namespaces, but for what is to outlive it."""

from __future__ import annotations

from collections.abc import Mapping

from infra.deploy import kept_keys, live
from infra.deploy.inventory import Entry
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership, whose
from infra.deploy.pruning import delete
from infra.deploy.strangers import TASK, strangers
from infra.keystore import KeyStore
from infra.kubectl import Kubectl, KubectlError
from infra.output import Print
from infra.render.manifests import Identity
from infra.values import names

_MOST_NAMED = 5


def destroy(
    config: Mapping[str, object], *, kubectl: Kubectl, keys: KeyStore, output: Print
) -> list[Identity]:
    """Delete everything that the inventory knows, but what is to outlive the platform.

    Args:
        config: The settings, an object for each area.
        kubectl: The cluster.
        keys: The store of keys, by which a platform of version 0.1 is known.
        output: Told what happens, a line at a time.

    Returns:
        What stays: retained objects, and the namespaces that they are in.

    Raises:
        UpdraftError: The platform there is another one.
    """
    owner = Owner.of(config)
    ownership = Ownership.read(kubectl, owner)
    kept_keys.refuse_older(keys, ownership)
    parts = [one for one in ownership.entries if one.identity.kind != "Namespace"]
    kept = [one for one in parts if one.retain or _belongs_to_data(one, ownership)]
    delete(ownership, [one for one in parts if one not in kept], output)
    left = delete_namespaces(ownership, output)
    spaces = [one for one in ownership.entries if one.identity in left]
    stay = [*spaces, *kept]
    if live.namespace(owner.home) in left or not owner.creates:
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
    _delete_tasks(ownership)
    if not ownership.owner.creates:
        return set()
    # The control plane's last: it has the inventory, by which a killed removal goes on.
    wanted = [live.namespace(name) for name in ownership.owner.namespaces[::-1]]
    there = live.read(ownership.kubectl, wanted)
    left: set[Identity] = set()
    for one in (each for each in wanted if each in there):
        why = "" if ownership.is_ours(there[one]) else whose(there[one])
        why = why or _occupied(ownership, one.name)
        if why:
            output(f"{one} stays: {why}")
            left.add(one)
        else:
            output(f"removing {one}")
            ownership.inventory.delete(one)
    return left


def _belongs_to_data(one: Entry, ownership: Ownership) -> bool:
    """Whether version 0.1, which kept no keys, has made a key of a database that outlives it."""
    secrets = {names.FERNET_KEY, names.POSTGRESQL, names.ADMIN}
    if one.labelled or one.identity.kind != "Secret" or one.identity.name not in secrets:
        return False
    volumes = [
        each
        for each in ownership.entries
        if each.identity.kind == "PersistentVolumeClaim" and each.identity.name == names.POSTGRESQL
    ]
    return not volumes or volumes[0].retain


def _delete_tasks(ownership: Ownership) -> None:
    """Delete the pods of tasks, which no inventory lists."""
    owner = ownership.owner
    selectors = [f"{TASK},{names.OWNER}={owner.platform}"]
    if owner.creates:
        selectors.append(f"{TASK},!{names.OWNER}")
    for selector in selectors:
        ownership.kubectl.run(
            "delete", "pods", "-n", owner.namespaces[1], "--selector", selector,
            "--ignore-not-found", "--timeout=120s", timeout=130,
        )  # fmt: skip


def _occupied(ownership: Ownership, namespace: str) -> str:
    """Why a namespace can't be deleted; empty where it can."""
    held = ownership.kubectl.items("secrets,persistentvolumeclaims", "-n", namespace)
    kept = sorted(live.identity(one) for one in held if ownership.is_ours(one))
    if kept:
        return f"it holds {', '.join(f'{one.kind} {one.name}' for one in kept)}, to be kept"
    try:
        found = strangers(ownership, namespace)
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
