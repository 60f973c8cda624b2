"""Platforms of version 0.1, whose objects bear no label, on a real API server."""

from __future__ import annotations

import json

import pytest

from infra.deploy import live
from infra.deploy.inventory import NAME
from infra.render import Identity, Manifest
from infra.values import names
from tests.render.foreign import Foreign, priority, unchanged
from tests.render.platform import Platform, pod, refused
from tests.waiting import wait_for

pytestmark = pytest.mark.apiserver


def older(platform: Platform, *manifests: Manifest) -> None:
    """Make the inventory and the objects of version 0.1, which bore no label."""
    for one in manifests:
        one["metadata"]["labels"] = {}
    platform.kubectl.run("create", "namespace", platform.name)
    platform.kubectl.apply(manifests)
    spaces = Identity("v1", "Namespace", "", platform.name)
    rows = [{"object": list(one), "retain": False}
            for one in [spaces, *(each.identity for each in manifests)]]  # fmt: skip
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
    assert any("another platform uses it" in line for line in platform.said) == used
    platform.kubectl.run("delete", "namespace", other)
    platform.kubectl.run("delete", "priorityclass", "updraft-tasks", "--ignore-not-found")
