"""The pods' cleanup against a real Kubernetes API: what goes, and what must stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes import client, config

from tests.programs import programs
from tests.render import apiserver
from updraft import cleanup

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
NAMESPACE = "default"


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[client.CoreV1Api]:
    """The API of a cluster without nodes."""
    folder = tmp_path_factory.mktemp("api")
    with apiserver.running(programs(*apiserver.NAMES), folder):
        yield client.CoreV1Api(config.new_client_from_config(str(folder / "kubeconfig")))


def make(pods: client.CoreV1Api, name: str, phase: str, minutes: int, *, task: bool = True) -> None:
    """Make a pod that ended some minutes ago."""
    labels = {"kubernetes_executor": "True"} if task else {}
    body: Any = {
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "base", "image": "localhost/none"}]},
    }
    pods.create_namespaced_pod(NAMESPACE, body)
    ended = NOW - timedelta(minutes=minutes)
    state: Any = {"terminated": {"exitCode": 0, "finishedAt": ended.isoformat()}}
    if phase == "Running":
        state = {"running": {"startedAt": ended.isoformat()}}
    status = {
        "phase": phase,
        "containerStatuses": [
            {
                "name": "base",
                "image": "localhost/none",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": state,
            }
        ],
    }
    pods.patch_namespaced_pod_status(name, NAMESPACE, {"status": status})


def names(pods: client.CoreV1Api) -> set[str]:
    """The pods that are there."""
    return {pod.metadata.name for pod in pods.list_namespaced_pod(NAMESPACE).items}


def test_only_finished_task_pods_that_are_old_enough_go(pods: client.CoreV1Api) -> None:
    make(pods, "old-succeeded", "Succeeded", 61)
    make(pods, "old-failed", "Failed", 90)
    make(pods, "young", "Succeeded", 59)
    make(pods, "running", "Running", 600)
    make(pods, "someone-elses", "Succeeded", 600, task=False)
    found = cleanup.clean(pods, NAMESPACE, timedelta(hours=1), NOW)
    print(found, names(pods))
    assert found == (2, 1)
    assert names(pods) == {"young", "running", "someone-elses"}


def test_more_pods_than_a_page_go(pods: client.CoreV1Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "PAGE", 2)
    for number in range(5):
        make(pods, f"many-{number}", "Succeeded", 120)
    found = cleanup.clean(pods, NAMESPACE, timedelta(hours=1), NOW)
    print(found)
    assert found[0] == 5
    assert not {name for name in names(pods) if name.startswith("many")}


def test_a_refusal_of_the_api_is_an_error(pods: client.CoreV1Api) -> None:
    make(pods, "refused", "Succeeded", 120)
    nobody = client.Configuration(host=pods.api_client.configuration.host)
    nobody.verify_ssl = False
    anonymous = client.CoreV1Api(client.ApiClient(nobody))
    with pytest.raises(client.ApiException) as caught:
        cleanup.clean(anonymous, NAMESPACE, timedelta(hours=1), NOW)
    print(caught.value.status)
    assert caught.value.status in (401, 403)
