"""The embedded engine on a real API server with its controllers: apply, wait, diagnose, prune."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.deploy.embedded import apply
from infra.deploy.inventory import NAME
from infra.deploy.waiting import Waiter
from infra.errors import UpdraftError
from infra.kubectl import Kubectl, KubectlError
from infra.render import Manifest
from infra.render.manifests import normal
from tests.render.waiting import wait_for

Body = dict[str, Any]
_numbers = itertools.count(1)


class Platform:
    """A namespace of its own and deploys into it."""

    def __init__(self, kubectl: Kubectl, name: str) -> None:
        self.kubectl = kubectl
        self.name = name
        self.said: list[str] = []

    def object(self, kind: str, name: str, api: str = "v1", wave: int = 0, **more: Any) -> Manifest:
        metadata = {"name": name, "namespace": self.name}
        body = {"apiVersion": api, "kind": kind, "metadata": metadata, **more}
        return Manifest(normal(body, source="test"), wave=wave)

    def namespace(self, **labels: str) -> Manifest:
        return self.object("Namespace", self.name, metadata_labels=labels or None)

    def deploy(self, *manifests: Manifest, timeout: float = 30) -> Any:
        waiter = Waiter(self.kubectl, self.said.append, timeout, interval=0.2)
        return apply(
            [self.object("Namespace", self.name), *manifests],
            kubectl=self.kubectl,
            namespace=self.name,
            say=self.said.append,
            waiter=waiter,
        )

    def live(self, kind: str, name: str) -> Body | None:
        try:
            found: Body = self.kubectl.json("get", kind, name, "-n", self.name)
        except KubectlError as error:
            assert "NotFound" in error.stderr
            return None
        return found

    def run_pods(self, status: Callable[[Body], Body]) -> int:
        """Play the kubelet: give each pod a status; returns how many there were."""
        pods = self.kubectl.items("pods", "-n", self.name)
        for pod in pods:
            import json  # noqa: PLC0415

            patch = json.dumps({"status": status(pod)})
            self.kubectl.run(
                "patch", "pod", pod["metadata"]["name"], "-n", self.name,
                "--subresource=status", "--type=merge", "-p", patch,
            )  # fmt: skip
        return len(pods)


@pytest.fixture
def platform(nodeless: Kubectl) -> Iterator[Platform]:
    yield Platform(nodeless, f"platform-{next(_numbers)}")


def config(platform: Platform, name: str, **data: str) -> Manifest:
    return platform.object("ConfigMap", name, data=data)


def pod(**container: Any) -> Body:
    return {
        "containers": [{"name": "main", "image": "example.org/main:1", **container}],
        "restartPolicy": "Always",
    }


def test_first_deploy(platform: Platform) -> None:
    result = platform.deploy(config(platform, "a", x="1"))
    print(platform.said, result)
    assert platform.live("configmap", "a")["data"] == {"x": "1"}
