"""The embedded engine on a real API server with its controllers: apply, wave by wave, and prune."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from infra.deploy.embedded import apply
from infra.deploy.inventory import NAME
from infra.deploy.waiting import Waiter
from infra.kubectl import Kubectl, KubectlError
from infra.render import Manifest
from tests.render.conftest import Rendered
from tests.render.platform import Platform, refused, succeeded
from tests.render.variants import EMBEDDED
from tests.waiting import wait_for

pytestmark = pytest.mark.apiserver


def test_what_has_gone_is_pruned_and_the_rest_stays(platform: Platform) -> None:
    platform.deploy(platform.config("old", x="1"), platform.config("both", x="1"))
    platform.kubectl.run("create", "configmap", "foreign", "-n", platform.name)
    result = platform.deploy(platform.config("both", x="2"), platform.config("new", x="1"))
    print(platform.said, result.pruned)
    assert platform.there("configmaps") == {"both", "new", "foreign", NAME, "kube-root-ca.crt"}
    assert [one.name for one in result.pruned] == ["old"]
    assert platform.live("configmap", "both")["data"] == {"x": "2"}


def test_a_deploy_that_was_killed_is_known_to_the_next(platform: Platform) -> None:
    broken = platform.make("v1", "Service", "broken", spec={"ports": [{"port": -1}]})
    refused(lambda: platform.deploy(platform.config("half", x="1"), broken))
    assert "half" in platform.there("configmaps")
    result = platform.deploy(platform.config("other", x="1"))
    assert "half" not in platform.there("configmaps")
    assert {one.name for one in result.pruned} == {"half", "broken"}


def test_what_holds_data_is_never_pruned(platform: Platform) -> None:
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    volume = platform.make("v1", "PersistentVolumeClaim", "data", spec=size)
    platform.deploy(volume)
    result = platform.deploy()
    print(platform.said)
    assert [one.name for one in result.kept] == ["data"]
    assert platform.there("persistentvolumeclaims") == {"data"}
    assert any("holds data" in line for line in platform.said)


def test_a_field_that_has_gone_is_removed_and_a_foreign_one_stays(platform: Platform) -> None:
    platform.deploy(platform.config("one", ours="1", gone="1"))
    platform.kubectl.run("label", "configmap", "one", "-n", platform.name, "team=data")
    platform.deploy(platform.config("one", ours="1"))
    live = platform.live("configmap", "one")
    assert live["data"] == {"ours": "1"}
    assert live["metadata"]["labels"]["team"] == "data"


def test_the_next_wave_waits_for_a_job(platform: Platform) -> None:
    late = platform.config("late", x="1")
    late.wave = 1
    message = refused(lambda: platform.deploy(platform.job("first"), late, timeout=2))
    assert "Job first in" in message
    assert "isn't ready after 2 s" in message
    assert "late" not in platform.there("configmaps")
    platform.kubelet(succeeded())
    wait_for(
        lambda: platform.live("job", "first").get("status", {}).get("succeeded"),
        timeout=20,
        what="the Job to be complete",
    )
    platform.deploy(platform.job("first"), late)
    assert "late" in platform.there("configmaps")


def test_a_wave_waits_only_for_what_it_depends_on_and_the_deploy_for_all(
    platform: Platform,
) -> None:
    slow, late = platform.job("slow"), platform.config("late", x="1")
    slow.awaited, late.wave = False, 1
    message = refused(lambda: platform.deploy(slow, late, timeout=2))
    assert "late" in platform.there("configmaps")
    assert "Job slow in" in message


def test_what_is_called_before_the_last_wave_comes_after_what_that_depends_on(
    platform: Platform,
) -> None:
    seen: list[set[str]] = []
    late = platform.config("late", x="1")
    late.wave = 1
    platform.deploy(
        platform.config("early", x="1"),
        late,
        before_last=lambda: seen.append(platform.there("configmaps")),
    )
    print(seen)
    assert len(seen) == 1
    assert "early" in seen[0]
    assert "late" not in seen[0]


def test_nothing_is_removed_before_what_has_no_probe_is_known_to_run(platform: Platform) -> None:
    platform.deploy(platform.config("old", x="1"))
    seen: list[tuple[bool, bool]] = []

    class Spy(Waiter):
        def wait(self, manifests: Iterable[Manifest], *, settled: bool = True) -> None:
            super().wait(manifests, settled=settled)
            seen.append((settled, "old" in platform.there("configmaps")))

    apply(
        [platform.make("v1", "Namespace", platform.name), platform.config("new", x="1")],
        ownership=platform.ownership,
        output=print,
        waiter=Spy(platform.kubectl, print),
    )
    print(seen)
    assert seen[-1] == (True, True)
    assert "old" not in platform.there("configmaps")


def test_what_runs_an_absent_image_joins_later_and_is_never_pruned(platform: Platform) -> None:
    watching = platform.deployment("watching")
    (image,) = watching.images
    first = platform.deploy(platform.config("one", x="1"), watching, absent={image})
    print(platform.said)
    assert platform.there("deployments") == set()
    assert "one" in platform.there("configmaps")
    assert watching not in first.manifests
    assert any("without watching: " in line for line in platform.said)
    # There by a full deploy, it outlives one that lacks its image, as after an upgrade.
    refused(lambda: platform.deploy(platform.config("one", x="1"), watching, timeout=1))
    uid = platform.live("deployment", "watching")["metadata"]["uid"]
    again = platform.deploy(platform.config("one", x="2"), watching, absent={image})
    assert platform.live("deployment", "watching")["metadata"]["uid"] == uid
    assert again.pruned == ()
    gone = platform.deploy(platform.config("one", x="2"))
    assert [one.name for one in gone.pruned] == ["watching"]


def test_what_the_late_still_need_stays_until_they_have_joined(platform: Platform) -> None:
    old = platform.make("scheduling.k8s.io/v1", "PriorityClass", f"{platform.name}-old", value=1)
    watching = platform.deployment("watching")
    watching["spec"]["replicas"] = 0  # no kubelet is there to run one
    (image,) = watching.images
    platform.deploy(old, watching)
    first = platform.deploy(watching, absent={image})
    assert first.pruned == ()
    assert [one.name for one in platform.deploy(watching).pruned] == [f"{platform.name}-old"]


def test_a_secret_that_the_settings_name_is_not_pruned(platform: Platform) -> None:
    named, other = (
        platform.make("v1", "Secret", name, data={"k": "a2V5"}) for name in ("named", "other")
    )
    platform.deploy(named, other)
    reader = platform.deployment("reader")
    reader["spec"]["replicas"] = 0
    reader["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "named", "key": "k"}}}
    ]
    result = platform.deploy(reader)
    assert [one.name for one in result.pruned] == ["other"]
    assert platform.there("secrets") == {"named"}
    assert any("the settings name it" in line for line in platform.said)


def test_a_changed_job_is_made_anew(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.job("admin"), timeout=1))
    before = platform.live("job", "admin")["metadata"]["uid"]
    refused(lambda: platform.deploy(platform.job("admin", "example.org/job:2"), timeout=1))
    after = platform.live("job", "admin")
    assert after["metadata"]["uid"] != before
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "example.org/job:2"


def test_a_refused_manifest_names_itself_and_leaves_the_rest(platform: Platform) -> None:
    platform.deploy(platform.config("kept", x="1"))
    bad = platform.make("v1", "Service", "bad", spec={"ports": [{"port": 70000}]})
    message = refused(lambda: platform.deploy(platform.config("kept", x="1"), bad))
    assert 'Service "bad" is invalid' in message
    assert "kept" in platform.there("configmaps")


def test_a_damaged_inventory_is_told(platform: Platform) -> None:
    platform.deploy(platform.config("one", x="1"))
    patch = json.dumps({"data": {"objects": "{"}})
    platform.kubectl.run("patch", "configmap", NAME, "-n", platform.name, "-p", patch)
    assert "the inventory is damaged" in refused(platform.deploy)


def test_the_whole_platform_is_accepted_and_a_second_apply_changes_nothing(
    nodeless: Kubectl, rendered: Rendered
) -> None:
    manifests = rendered("local", EMBEDDED)
    first = _applied(nodeless, manifests)
    second = _applied(nodeless, manifests)
    print(f"{len(first)} objects")
    assert len(first) == len(manifests)
    assert first == second


def test_destroy_removes_all_but_what_is_to_outlive(platform: Platform) -> None:
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    volume = platform.make("v1", "PersistentVolumeClaim", "kept", spec=size)
    volume.retain = True
    platform.deploy(volume, platform.config("one", x="1"))
    stay = platform.destroy()
    print(stay)
    assert {one.kind for one in stay} == {"Namespace", "PersistentVolumeClaim"}
    assert platform.there("persistentvolumeclaims") == {"kept"}
    assert "one" not in platform.there("configmaps")
    assert {one.identity.name for one in platform.ownership.entries} == {
        "kept",
        platform.name,
    }


def test_an_unreachable_cluster_is_told(platform: Platform) -> None:
    nowhere = Kubectl(platform.kubectl.binary, platform.kubectl.kubeconfig, "nowhere")
    assert not nowhere.reachable()
    with pytest.raises(KubectlError, match="nowhere"):
        nowhere.run("get", "pods")


def _applied(kubectl: Kubectl, manifests: list[Manifest]) -> dict[str, tuple[str, Any]]:
    """Apply all and return each object's uid and what changes when it does."""
    kubectl.apply(manifests)
    whole = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    live = json.loads(kubectl.run("get", "-f", "-", "-o", "json", input=whole))["items"]
    found = {}
    for one in live:
        metadata = one["metadata"]
        # A version that controllers change too says nothing; a spec's generation is ours alone.
        version = metadata.get("generation") or metadata["resourceVersion"]
        if one["kind"] in {"ResourceQuota", "PersistentVolumeClaim", "Namespace"}:
            version = one["spec"]
        found[f"{one['kind']} {metadata.get('namespace')} {metadata['name']}"] = (
            metadata["uid"],
            version,
        )
    return found
