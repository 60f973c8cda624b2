"""A Kubernetes API, Loki and the collector, each real, for the tests of lines' way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from infra.kubectl import Kubectl
from monitoring.options import Options
from tests.monitoring.logs.node import Pod
from tests.monitoring.logs.pipeline import Server, collector_server, loki_server
from tests.programs import programs
from tests.render import apiserver
from tests.waiting import wait_for

if TYPE_CHECKING:
    from updraft.logs.store import Line

HOUR = 3600 * 10**9


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """An API server with our namespaces, and a ServiceAccount that may read their pods."""
    folder = tmp_path_factory.mktemp("kubernetes")
    options = Options()
    with apiserver.running(programs(*apiserver.NAMES), folder) as kubectl:
        namespaces = (options.control_plane, options.tasks, options.monitoring)
        for name in namespaces:
            kubectl.run("create", "namespace", name)
        account = f"{options.monitoring}:collector"
        kubectl.run("create", "serviceaccount", "collector", "-n", options.monitoring)
        for name in namespaces:
            verbs = ("--verb=get,list,watch", "--resource=pods")
            kubectl.run("create", "role", "collector", "-n", name, *verbs)
            binding = ("--role=collector", f"--serviceaccount={account}")
            kubectl.run("create", "rolebinding", "collector", "-n", name, *binding)
        yield kubectl


@pytest.fixture(scope="session")
def kubeconfig(kubernetes: Kubectl) -> Path:
    """The collector's own login."""
    assert kubernetes.kubeconfig
    made = json.loads(kubernetes.kubeconfig.read_text())
    token = kubernetes.run("create", "token", "collector", "-n", Options().monitoring).strip()
    made["users"][0]["user"] = {"token": token}
    file = kubernetes.kubeconfig.with_name("collector.kubeconfig")
    file.write_text(json.dumps(made))
    return file


@dataclass
class Site:
    """A node with its collector, and Loki.

    Args:
        url: Loki's address.
        metrics: That of the collector's own metrics.
    """

    folder: Path
    kubectl: Kubectl
    loki: Server
    collector: Server
    url: str
    metrics: str
    pods: list[Pod] = field(default_factory=list)

    def create(self, *pods: Pod) -> None:
        """Make pods in the API, and take the uids that it gives them."""
        given = {"apiVersion": "v1", "kind": "List", "items": [pod.manifest() for pod in pods]}
        form = r'jsonpath={.metadata.name} {.metadata.uid}{"\n"}'
        told = self.kubectl.run("create", "-f", "-", "-o", form, input=json.dumps(given))
        uids = dict(line.split() for line in told.splitlines())
        for pod in pods:
            pod.uid = uids[pod.name]
        self.pods.extend(pods)

    def delete(self, *pods: Pod) -> None:
        """Delete pods from the API at once; their files stay."""
        names = [pod.name for pod in pods]
        at_once = ("--grace-period=0", "--force", "--wait=false")
        self.kubectl.run("delete", "pod", "-n", pods[0].namespace, *at_once, *names)

    def task(self, name: str, **ids: str) -> Pod:
        """A pod of a task, not made yet."""
        known = {
            "dag_id": "shop.daily", "task_id": "load", "try_number": "1",
            "run_id": "manual__2026-01-01T00:00:00+00:00", **ids,
        }  # fmt: skip
        return Pod(self.folder / "pods", Options().tasks, name, known, {"component": "worker"})

    def lines(
        self,
        labels: dict[str, str],
        metadata: dict[str, str] | None = None,
        window: tuple[int, int] | None = None,
    ) -> list[Line]:
        """What Loki has, in order; of the last hour where no times are given."""
        from updraft.logs import store  # noqa: PLC0415 -- imports Airflow

        text = store.query(labels, metadata or {})
        return list(store.lines(self.url, text, *(window or self.window())))

    def window(self) -> tuple[int, int]:
        """Times around now."""
        now = Pod(self.folder, "", "").now()
        return now - HOUR, now + HOUR

    def get(self, path: str, **parameters: Any) -> Any:
        """Ask Loki."""
        with urlopen(f"{self.url}{path}?{urlencode(parameters)}", timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def series(self) -> set[tuple[tuple[str, str], ...]]:
        """The streams that Loki has."""
        start, end = self.window()
        found = self.get("/loki/api/v1/series", start=start, end=end)["data"]
        return {tuple(sorted(each.items())) for each in found}

    def wait(
        self, count: int, labels: dict[str, str], timeout: float = 60, **metadata: str
    ) -> list[Line]:
        """Wait until Loki has at least so many lines; return them."""
        found: list[Line] = []

        def enough() -> bool:
            found[:] = self.lines(labels, metadata)
            return len(found) >= count

        wait_for(enough, timeout, f"{count} lines; {self.collector.log}, {self.loki.log}")
        return found


@pytest.fixture
def site(
    tmp_path: Path, tool: Callable[[str], Path], kubernetes: Kubectl, kubeconfig: Path
) -> Iterator[Site]:
    """Loki and the collector, running, with nothing read so far."""
    (tmp_path / "pods").mkdir()
    loki, url = loki_server(tool("loki"), tmp_path)
    collector, metrics = collector_server(tool("otelcol"), tmp_path, url, kubeconfig)
    made = Site(tmp_path, kubernetes, loki, collector, url, metrics)
    try:
        loki.start()
        collector.start()
        yield made
    finally:
        collector.stop()
        loki.kill()
        if made.pods:
            for namespace in {pod.namespace for pod in made.pods}:
                all_pods = f"/api/v1/namespaces/{namespace}/pods?gracePeriodSeconds=0"
                kubernetes.run("delete", "--raw", all_pods)
