"""Platforms of version 0.1, whose objects bear no label, on a real API server."""

from __future__ import annotations

import base64
import json

import pytest

from infra.cli import adopt
from infra.deploy import kept_keys, live
from infra.deploy.inventory import NAME
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.render import Identity, Manifest
from infra.values import names
from tests.render.foreign import Foreign, priority, unchanged
from tests.render.platform import Platform, pod, refused
from tests.waiting import wait_for

pytestmark = pytest.mark.apiserver
KEY, OTHER = "a2V5LW9mLXRoZS1wbGF0Zm9ybQ==", "a2V5LW9mLWFub3RoZXItb25lIQ=="


def older(platform: Platform, *manifests: Manifest) -> None:
    """Make the inventory and the objects of version 0.1, which bore no label."""
    for one in manifests:
        one["metadata"]["labels"] = {}
    platform.kubectl.run("create", "namespace", platform.name)
    platform.kubectl.apply(manifests)
    spaces = Identity("v1", "Namespace", "", platform.name)
    rows = [{"object": list(spaces), "retain": False}]
    rows += [{"object": list(one.identity), "retain": one.retain} for one in manifests]
    metadata = {"name": NAME, "namespace": platform.name}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    platform.kubectl.apply([{**body, "data": {"objects": json.dumps(rows)}}])


def test_a_platform_of_version_0_1_is_taken_over_by_its_inventory(
    platform: Platform, foreign: Foreign
) -> None:
    older(platform, platform.config("one", x="1"), platform.config("gone", x="1"))
    foreign.copy(platform.config("theirs", x="1"))
    with unchanged(foreign):
        message = refused(lambda: platform.deploy(platform.config("theirs", x="2")))
    assert "ConfigMap theirs" in message
    assert "ConfigMap one" not in message
    # Killed in its midst, it goes on.
    broken = platform.make("v1", "Service", "broken", spec={"ports": [{"port": -1}]})
    refused(lambda: platform.deploy(broken, platform.config("one", x="2")))
    result = platform.deploy(platform.config("one", x="3"))
    assert {one.name for one in result.pruned} == {"gone", "broken"}
    assert platform.live("configmap", "one")["metadata"]["labels"] == platform.owner.label
    # From now on its inventory alone makes nothing the platform's.
    platform.kubectl.run("label", "configmap", "one", "-n", platform.name, f"{names.OWNER}-")
    assert "ConfigMap one" in refused(lambda: platform.deploy(platform.config("one", x="4")))


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
def test_priorities_that_platforms_shared_go_with_the_last_of_them(
    platform: Platform, used: bool
) -> None:
    shared = Manifest(priority("updraft-tasks"))
    older(platform, shared, platform.config("one", x="1"))
    other = f"{platform.name}-other"
    platform.kubectl.run("create", "namespace", other)
    if used:
        task = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "task", "namespace": other},
                "spec": {**pod("a:1"), "priorityClassName": "updraft-tasks"}}  # fmt: skip
        wait_for(
            lambda: platform.kubectl.items("serviceaccounts", "-n", other),
            timeout=20,
            what="the namespace to have its account",
        )
        platform.kubectl.run("create", "-f", "-", input=json.dumps(task))
    own = Manifest(priority(f"{platform.name}-tasks", **platform.owner.label))
    platform.deploy(own, platform.config("one", x="1"))
    there = live.read(platform.kubectl, [shared.identity])
    print(*platform.said, sep="\n")
    assert bool(there) == used
    assert any("another platform may use it" in line for line in platform.said) == used
    platform.kubectl.run("delete", "namespace", other)
    platform.kubectl.run("delete", "priorityclass", "updraft-tasks", "--ignore-not-found")


def test_one_that_is_removed_leaves_its_data_and_keys_and_nothing_else(platform: Platform) -> None:
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    volume = platform.make("v1", "PersistentVolumeClaim", names.POSTGRESQL, spec=size)
    volume.retain = True
    older(platform, volume, fernet(platform), platform.config("gone", x="1"))
    knows(platform, KEY)
    stay = platform.destroy()
    print(*platform.said, sep="\n")
    assert {f"{one.kind} {one.name}" for one in stay} == {
        f"Namespace {platform.name}",
        "PersistentVolumeClaim postgresql",
        "Secret airflow-fernet-key",
    }
    assert not any("kubectl delete namespace" in line for line in platform.said)
    assert platform.there("configmaps") == {NAME, "kube-root-ca.crt"}


def test_one_without_data_goes_with_its_namespace(platform: Platform) -> None:
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    volume = platform.make("v1", "PersistentVolumeClaim", names.POSTGRESQL, spec=size)
    older(platform, volume, fernet(platform))
    knows(platform, KEY)
    assert platform.destroy() == []
    spaces = Identity("v1", "Namespace", "", platform.name)
    # Nobody labelled the namespace, and the inventory knows it.
    assert live.read(platform.kubectl, [spaces]) == {}


def test_one_of_other_keys_is_somebody_elses(
    platform: Platform, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    older(platform, fernet(platform))
    for one in (fernet(platform).identity, platform.ownership.inventory.identity):
        foreign.made.append(one)
    with unchanged(foreign):
        for known in ("", OTHER):
            knows(platform, known)
            message = refused(lambda: kept_keys.refuse_older(platform.keys, platform.ownership))
            assert "not with the keys of this machine" in message
            refused(platform.destroy)
    # Its owner says so by name.
    inventory = platform.ownership.inventory.identity
    assert f"make adopt TAKE={adopt.name(inventory)}" in message
    found = platform.ownership.foreign([inventory])
    monkeypatch.setenv("YES", "1")
    adopt.take(platform.ownership, adopt.chosen(adopt.name(inventory), found), print)
    kept_keys.refuse_older(platform.keys, platform.ownership)
    platform.deploy(fernet(platform))
    assert platform.live("secret", names.FERNET_KEY)["metadata"]["labels"] == platform.owner.label


def test_one_is_not_made_a_second_time_elsewhere(platform: Platform) -> None:
    older(platform, fernet(platform))
    moved = Owner(platform.name, ("elsewhere", *platform.owner.namespaces[1:]))
    ownership = Ownership.read(platform.kubectl, moved)
    knows(platform, OTHER)
    ownership.refuse_move(lambda other: kept_keys.knows(platform.keys, other))
    knows(platform, KEY)
    message = refused(
        lambda: ownership.refuse_move(lambda other: kept_keys.knows(platform.keys, other))
    )
    assert f"is in {platform.name}, and can't be moved" in message


def fernet(platform: Platform) -> Manifest:
    """Return the Secret of a platform's Fernet key."""
    encoded = base64.b64encode(KEY.encode()).decode()
    return platform.make("v1", "Secret", names.FERNET_KEY, data={"fernet-key": encoded})


def knows(platform: Platform, key: str) -> None:
    """Have this machine know a Fernet key, or none."""
    platform.keys.path.unlink(missing_ok=True)
    if key:
        values = {"base64": key, "hex": base64.b64decode(key).hex()}
        platform.keys.add({kept_keys.KEPT[0].stored: values})
