"""The embedded engine on a real API server with its controllers: apply, wait, diagnose, prune."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.deploy.embedded import DeployResult, apply, destroy
from infra.deploy.inventory import NAME, Inventory
from infra.deploy.waiting import Waiter
from infra.errors import UpdraftError
from infra.kubectl import Kubectl, KubectlError
from infra.render import Manifest
from infra.render.manifests import normal
from tests.render.conftest import EMBEDDED, Rendered
from tests.waiting import wait_for

pytestmark = pytest.mark.apiserver
Body = dict[str, Any]
_numbers = itertools.count(1)


class Platform:
    """A namespace of its own, deploys into it, and a hand that plays the kubelet."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl
        self.name = f"platform-{next(_numbers)}"
        self.said: list[str] = []

    def make(self, api: str, kind: str, name: str, wave: int = 0, **more: Any) -> Manifest:
        """Return an object in the platform's namespace."""
        body = {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **more}
        return Manifest(normal(body, source="test", namespace=self.name), wave=wave)

    def config(self, name: str, **data: str) -> Manifest:
        """Return a ConfigMap."""
        return self.make("v1", "ConfigMap", name, data=data)

    def job(self, name: str, image: str = "example.org/job:1", wave: int = 0) -> Manifest:
        """Return a Job that fails at its first failed pod."""
        spec = {"template": {"spec": {**pod(image), "restartPolicy": "Never"}}, "backoffLimit": 0}
        return self.make("batch/v1", "Job", name, wave, spec=spec)

    def deployment(self, name: str, wave: int = 0, **more: Any) -> Manifest:
        """Return a Deployment of one pod."""
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {**pod("example.org/app:1"), **more}}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        return self.make("apps/v1", "Deployment", name, wave, spec=spec)

    def deploy(
        self, *manifests: Manifest, timeout: float = 30, absent: Collection[str] = ()
    ) -> DeployResult:
        """Deploy these, and the namespace."""
        output = self.said.append
        result = apply(
            [self.make("v1", "Namespace", self.name), *manifests],
            kubectl=self.kubectl,
            namespace=self.name,
            output=output,
            waiter=Waiter(self.kubectl, output, timeout, interval=0.2),
            absent=absent,
        )
        result.settle()
        return result

    def live(self, kind: str, name: str) -> Body:
        """Return what the cluster has."""
        found: Body = self.kubectl.json("get", kind, name, "-n", self.name)
        return found

    def there(self, kind: str) -> set[str]:
        """Return the names of a kind's objects."""
        return {one["metadata"]["name"] for one in self.kubectl.items(kind, "-n", self.name)}

    def kubelet(self, status: Body, pods: int = 1) -> None:
        """Give every pod a status, as a kubelet would, once that many are there."""
        found = wait_for(
            lambda: (
                len(self.kubectl.items("pods", "-n", self.name)) >= pods
                and self.kubectl.items("pods", "-n", self.name)
            ),
            timeout=20,
            what="the controllers to make pods",
        )
        for one in found or []:
            self.kubectl.run(
                "patch", "pod", one["metadata"]["name"], "-n", self.name, "--type=merge",
                "--subresource=status", "-p", json.dumps({"status": status}),
            )  # fmt: skip


@pytest.fixture
def platform(nodeless: Kubectl) -> Platform:
    return Platform(nodeless)


def pod(image: str) -> Body:
    return {"containers": [{"name": "main", "image": image}]}


def waiting(reason: str, message: str, **more: Any) -> Body:
    """A pod's status whose container waits for a reason."""
    container = {
        "name": "main",
        "image": "example.org/app:1",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": message}},
        **more,
    }
    return {"phase": "Pending", "containerStatuses": [container]}


def running(since: datetime) -> Body:
    """A pod's status whose container runs."""
    container = {
        "name": "main",
        "image": "example.org/app:1",
        "imageID": "",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": since.strftime("%Y-%m-%dT%H:%M:%SZ")}},
    }
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [container],
    }


def succeeded() -> Body:
    return {"phase": "Succeeded"}


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(UpdraftError) as caught:
        call()
    print(caught.value)
    return str(caught.value)


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


def test_a_failed_job_is_told_at_once_and_runs_again_at_the_next_deploy(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.job("migrate"), timeout=1))
    platform.kubelet({"phase": "Failed"})
    message = refused(lambda: _until_failed(platform))
    assert "has failed: BackoffLimitExceeded" in message
    before = platform.live("job", "migrate")["metadata"]["uid"]
    refused(lambda: platform.deploy(platform.job("migrate"), timeout=1))
    assert platform.live("job", "migrate")["metadata"]["uid"] != before
    assert any("failed before and runs again" in line for line in platform.said)


def _until_failed(platform: Platform) -> None:
    waiter = Waiter(platform.kubectl, platform.said.append, 30, interval=0.2)
    waiter.wait([platform.job("migrate")])


def test_a_changed_job_is_made_anew(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.job("admin"), timeout=1))
    before = platform.live("job", "admin")["metadata"]["uid"]
    refused(lambda: platform.deploy(platform.job("admin", "example.org/job:2"), timeout=1))
    after = platform.live("job", "admin")
    assert after["metadata"]["uid"] != before
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "example.org/job:2"


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (waiting("InvalidImageName", "invalid reference format"), "image.repository"),
        (waiting("ErrImageNeverPull", "is not present"), "load the image"),
        (
            waiting(
                "CrashLoopBackOff",
                "back-off",
                restartCount=3,
                lastState={"terminated": {"exitCode": 7, "reason": "Error"}},
            ),
            "ended with code 7 (Error)",
        ),
    ],
)
def test_a_hopeless_pod_ends_the_wait_with_its_reason(
    platform: Platform, status: Body, wanted: str
) -> None:
    refused(lambda: platform.deploy(platform.deployment("app"), timeout=1))
    platform.kubelet(status)
    message = refused(lambda: platform.deploy(platform.deployment("app"), timeout=60))
    assert "can't become ready" in message
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] in message
    assert wanted in message


def test_a_pod_that_crashed_long_ago_may_crash_once_more(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.deployment("app"), timeout=1))
    platform.kubelet(waiting("CrashLoopBackOff", "back-off", restartCount=3))
    message = refused(lambda: platform.deploy(platform.deployment("app"), timeout=5))
    assert "isn't ready after 5 s" in message
    platform.kubelet(running(datetime.now(UTC) - timedelta(minutes=1)))
    platform.deploy(platform.deployment("app"))


def test_a_pod_that_has_only_just_started_is_not_trusted_yet(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.deployment("app"), timeout=1))
    platform.kubelet(running(datetime.now(UTC)))
    wait_for(
        lambda: platform.live("deployment", "app").get("status", {}).get("availableReplicas"),
        timeout=20,
        what="the Deployment to be available",
    )
    message = refused(lambda: platform.deploy(platform.deployment("app"), timeout=2))
    assert "1 of 1 ready" in message
    platform.kubelet(running(datetime.now(UTC) - timedelta(minutes=1)))
    platform.deploy(platform.deployment("app"))


def test_a_pod_on_its_way_is_waited_for(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.deployment("app"), timeout=1))
    platform.kubelet(waiting("ImagePullBackOff", "back-off"))
    message = refused(lambda: platform.deploy(platform.deployment("app"), timeout=2))
    assert "isn't ready after 2 s" in message
    assert "ImagePullBackOff" in message


def test_a_refused_pod_is_told_with_the_refusal(platform: Platform) -> None:
    quota = platform.make("v1", "ResourceQuota", "none", spec={"hard": {"pods": "0"}})
    message = refused(lambda: platform.deploy(quota, platform.deployment("app"), timeout=5))
    assert "FailedCreate" in message
    assert "exceeded quota: none" in message


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


def test_destroy_removes_all_but_what_is_to_outlive(nodeless: Kubectl) -> None:
    platform = Platform(nodeless)
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    volume = platform.make("v1", "PersistentVolumeClaim", "kept", spec=size)
    volume.retain = True
    platform.deploy(volume, platform.config("one", x="1"))
    stay = destroy(
        {"namespaces": {"airflow": platform.name}}, kubectl=nodeless, output=platform.said.append
    )
    print(stay)
    assert {one.kind for one in stay} == {"Namespace", "PersistentVolumeClaim"}
    assert platform.there("persistentvolumeclaims") == {"kept"}
    assert "one" not in platform.there("configmaps")
    assert {one.identity.name for one in Inventory(nodeless, platform.name).read()} == {
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
