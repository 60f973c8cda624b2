"""The shipped kube-state-metrics, with the shipped rights, tells tasks by their true ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra import settings
from infra.components.objects import rights
from infra.settings import stack
from infra.values import names
from infra.values.monitoring import exporters
from tests.monitoring.servers import LOOPBACK, serve
from tests.programs import programs
from tests.render import apiserver
from tests.waiting import wait_for

METRIC = "kube_pod_annotations"
IDS = {"dag_id": "shop.daily", "task_id": "load.orders", "try_number": "1", "map_index": "7"}


@pytest.mark.apiserver
def test_a_pod_is_told_with_the_ids_of_its_annotations(
    tool: Callable[[str], Path], tmp_path: Path
) -> None:
    chosen = settings.load(stack.read("local"))
    home, tasks = chosen.namespaces.monitoring, chosen.namespaces.tasks
    watched = (chosen.namespaces.airflow, tasks, home)
    account = names.KUBE_STATE_METRICS
    log = tmp_path / "kube-state-metrics.log"
    web, own = apiserver.free_ports(2)
    with apiserver.running(programs(*apiserver.NAMES), tmp_path) as kubectl:
        for name in watched:
            kubectl.run("create", "namespace", name)
        kubectl.run("create", "serviceaccount", account, "-n", home)
        rules = rights(account, watched, account, home, exporters.kube_state_rules())
        kubectl.apply([{"apiVersion": "rbac.authorization.k8s.io/v1", **rule} for rule in rules])
        container = {"name": "base", "image": "none"}
        annotations = {**IDS, "secret": "not-told"}
        kubectl.apply(
            [
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"name": "one", "namespace": tasks, "annotations": annotations},
                    "spec": {"containers": [container]},
                }
            ]
        )
        assert kubectl.kubeconfig
        login = json.loads(kubectl.kubeconfig.read_text())
        token = kubectl.run("create", "token", account, "-n", home).strip()
        login["users"][0]["user"] = {"token": token}
        kubeconfig = tmp_path / "kube-state-metrics.kubeconfig"
        kubeconfig.write_text(json.dumps(login))
        command = [
            tool("kube-state-metrics"), *exporters.kube_state_metrics(chosen).args,
            f"--kubeconfig={kubeconfig}", f"--host={LOOPBACK}", f"--port={web}",
            f"--telemetry-host={LOOPBACK}", f"--telemetry-port={own}",
        ]  # fmt: skip
        url = f"http://{LOOPBACK}:{web}"
        with serve(command, f"{url}/livez", log):

            def pods() -> list[dict[str, str]]:
                text = httpx.get(f"{url}/metrics").text
                families = text_string_to_metric_families(text)
                return [s.labels for f in families for s in f.samples if s.name == METRIC]

            (found,) = wait_for(pods, 30, METRIC)
            every = httpx.get(f"http://{LOOPBACK}:{own}/metrics").text
    print(found)
    assert found["pod"] == "one"
    told = {key: value for key, value in found.items() if key.startswith("annotation_")}
    assert told == {f"annotation_{key}": value for key, value in IDS.items()}
    failed = [
        line
        for line in every.splitlines()
        if line.startswith(("kube_state_metrics_list_total", "kube_state_metrics_watch_total"))
        and 'result="error"' in line
        and not line.endswith(" 0")
    ]
    # Since client-go 0.35 what is listed at first comes by a watch.
    assert "kube_state_metrics_watch_total" in every
    assert failed == [], log.read_text()[-2000:]
