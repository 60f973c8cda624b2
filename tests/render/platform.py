"""Deploys of a test's own to a real API server, whose kubelet the test plays."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import pytest

from infra.deploy.embedded import DeployResult, apply
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.deploy.removal import destroy
from infra.deploy.waiting import Waiter
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.render import Identity, Manifest
from infra.render.manifests import normal
from tests.waiting import wait_for

Body = dict[str, Any]
_numbers = itertools.count(1)


class Platform:
    """A namespace of its own, deploys into it, and a hand that plays the kubelet."""

    def __init__(self, kubectl: Kubectl, keys: KeyStore) -> None:
        self.kubectl = kubectl
        self.keys = keys
        self.name = f"platform-{next(_numbers)}"
        self.owner = Owner(self.name, (self.name, f"{self.name}-tasks", f"{self.name}-watch"))
        self.said: list[str] = []

    def make(self, api: str, kind: str, name: str, wave: int = 0, **more: Any) -> Manifest:
        """Return an object in the platform's namespace."""
        metadata = {"name": name, "labels": self.owner.label}
        body = {"apiVersion": api, "kind": kind, "metadata": metadata, **more}
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
        self,
        *manifests: Manifest,
        timeout: float = 30,
        absent: Collection[str] = (),
        before_last: Callable[[], None] | None = None,
        spaces: tuple[str, ...] | None = None,
    ) -> DeployResult:
        """Deploy these, and the namespaces: by default the platform's first."""
        output = self.said.append
        names = (self.name,) if spaces is None else spaces
        result = apply(
            [*(self.make("v1", "Namespace", name) for name in names), *manifests],
            ownership=self.ownership,
            output=output,
            waiter=Waiter(self.kubectl, output, timeout, interval=0.2),
            absent=absent,
            before_last=before_last,
        )
        result.settle()
        return result

    @property
    def ownership(self) -> Ownership:
        """Whose objects are the platform's, by what the cluster knows now."""
        return Ownership.read(self.kubectl, self.owner)

    @property
    def settings(self) -> dict[str, object]:
        """What of a stack's settings says whose objects are the platform's."""
        spaces = zip(("airflow", "tasks", "monitoring"), self.owner.namespaces, strict=True)
        return {"platform": {"name": self.name}, "namespaces": dict(spaces)}

    def destroy(self, settings: dict[str, object] | None = None) -> list[Identity]:
        """Remove the platform, and return what stays."""
        given = settings or self.settings
        return destroy(given, kubectl=self.kubectl, keys=self.keys, output=self.said.append)

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


def pod(image: str) -> Body:
    return {"containers": [{"name": "main", "image": image}]}


def _container(state: Body, *, ready: bool = False) -> Body:
    return {
        "name": "main",
        "image": "example.org/app:1",
        "imageID": "",
        "ready": ready,
        "restartCount": 0,
        "state": state,
    }


def waiting(reason: str, message: str, **more: Any) -> Body:
    """A pod's status whose container waits for a reason."""
    container = _container({"waiting": {"reason": reason, "message": message}})
    return {"phase": "Pending", "containerStatuses": [{**container, **more}]}


def running(since: datetime) -> Body:
    """A pod's status whose container runs."""
    started = {"startedAt": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [_container({"running": started}, ready=True)],
    }


def ended(code: int) -> Body:
    """A pod's status whose container has ended, and whose phase the kubelet has yet to tell."""
    container = _container({"terminated": {"exitCode": code}})
    return {"phase": "Running", "containerStatuses": [container]}


def succeeded() -> Body:
    return {"phase": "Succeeded"}


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(UpdraftError) as caught:
        call()
    print(caught.value)
    return str(caught.value)
