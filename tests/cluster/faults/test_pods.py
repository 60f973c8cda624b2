"""Task pods that Kubernetes refuses, can't start or throws out fire their alerts, which resolve."""

from __future__ import annotations

import time

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from tests.cluster import objects, support
from tests.cluster.faults import causes
from tests.cluster.watching import Watch

IDS = {"dag_id": causes.FAULTY, "task_id": "by-hand", "try_number": "1"}
MIB = 1 << 20
FILLS = f"""
import time
open("/scratch/file", "wb").write(bytes({8 * MIB}))
time.sleep(600)
"""
RUNS = 4


def refused(api: AirflowApi) -> None:
    """Begin runs whose pods are asked for, twice within a window of the rules."""
    for _ in range(2):
        for _ in range(RUNS):
            support.start(api, causes.FAULTY, fault="none")
        time.sleep(20)


def test_an_image_that_is_nowhere_fires(platform: Platform, watch: Watch) -> None:
    """A pod as of a task; Airflow itself would make another when this one is deleted."""
    pod = objects.pod(
        platform,
        "without-image",
        platform.tasks_namespace,
        annotations=IDS,
        image="localhost/updraft/nowhere:1",
    )
    with objects.applied(platform, pod):
        watch.wait_firing("AirflowImagePullFailing")
    watch.end("AirflowImagePullFailing")


@pytest.mark.slow
def test_a_pod_that_its_node_throws_out_fires(platform: Platform, watch: Watch) -> None:
    scratch = {"/scratch": {"emptyDir": {"sizeLimit": f"{MIB}"}}}
    pod = objects.pod(
        platform,
        "too-much",
        platform.tasks_namespace,
        program=FILLS,
        annotations=IDS,
        volumes=scratch,
    )
    with objects.applied(platform, pod):
        watch.wait_firing("AirflowPodEvicted")
    watch.end("AirflowPodEvicted")


def test_pods_that_the_scheduler_may_not_create_fire(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    with causes.may_not_create_pods(platform):
        refused(api)
        watch.wait_firing("AirflowPodCreationForbidden")
    watch.end("AirflowPodCreationForbidden")


def test_pods_that_an_absent_webhook_should_admit_fire(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    nobody = {"service": {"name": "nobody", "namespace": platform.namespace, "path": "/"}}
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "tests-nobody"},
        "webhooks": [
            {
                "name": "nobody.tests.example.com",
                "clientConfig": nobody,
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 1,
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": platform.tasks_namespace}
                },
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    }
                ],
            }
        ],
    }
    with objects.applied(platform, webhook):
        refused(api)
        watch.wait_firing("AirflowPodCreationFailing")
    watch.end("AirflowPodCreationFailing")
