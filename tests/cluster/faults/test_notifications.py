"""Somebody is told of life, of faults that several parts have at once, and of their end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.values import names
from tests.cluster import objects, support
from tests.cluster.faults import causes
from tests.cluster.watching import Watch, told
from tests.waiting import wait_for

# Of a pod as of a task; Airflow itself would make another when one of its own is deleted.
IDS = {"dag_id": causes.FAULTY, "task_id": "by-hand", "try_number": "1"}
MIB = 1 << 20
FILLS = f"""
import time
open("/scratch/file", "wb").write(bytes({8 * MIB}))
time.sleep(600)
"""
GOOD = "from airflow.sdk import dag\n"
BROKEN = "from airflow.sdk import dag, nowhere\n"
# Freezes every process of a container but the first for a second, more often than is let pass.
HICCUPS = "for i in 1 2 3 4 5 6 7 8; do kill -STOP -1; sleep 1; kill -CONT -1; sleep 0.5; done"
SIDE_BY_SIDE = (
    "AirflowDagImportErrors",
    "AirflowImagePullFailing",
    "AirflowPodEvicted",
    "AirflowTaskOutOfMemory",
    "AirflowTriggererBlocked",
)


@pytest.mark.fires("AirflowAlertsNotDelivered")
@pytest.mark.fills("any fault that fires an alert")
def test_that_nobody_listens_fires(watch: Watch) -> None:
    """Before the receiver is there."""
    watch.wait_firing("AirflowAlertsNotDelivered", "Watchdog")


@pytest.mark.usefixtures("listener")
def test_a_sign_of_life_reaches_the_receiver(platform: Platform, watch: Watch) -> None:
    wait_for(lambda: told(platform, "Watchdog"), 120, "the sign of life")
    watch.end("AirflowAlertsNotDelivered")


def pod_without_image(platform: Platform) -> objects.Manifest:
    where = ("without-image", platform.tasks_namespace)
    return objects.pod(platform, *where, annotations=IDS, image="localhost/updraft/nowhere:1")


def pod_that_fills_its_disk(platform: Platform) -> objects.Manifest:
    """Its node throws it out."""
    where = ("too-much", platform.tasks_namespace)
    scratch = {"/scratch": {"emptyDir": {"sizeLimit": f"{MIB}"}}}
    return objects.pod(platform, *where, program=FILLS, annotations=IDS, volumes=scratch)


@contextmanager
def file_with_an_error(platform: Platform, folder: Path) -> Iterator[None]:
    """Have a DAG file that can't be imported while the block runs."""

    def push(name: str, text: str) -> None:
        (folder / name).mkdir()
        support.push_by_git(platform, folder / name, {"broken.py": text})

    push("broken", BROKEN)
    try:
        yield
    finally:
        push("mended", GOOD)


@pytest.mark.fires(*SIDE_BY_SIDE)
@pytest.mark.fills(
    "a DAG file with an error",
    "a pod that its node evicts",
    "a task that takes more memory than its limit",
    "an image that can't be pulled",
)
@pytest.mark.usefixtures("listener")
def test_faults_of_several_parts_at_once_fire_and_are_told(
    platform: Platform, api: AirflowApi, watch: Watch, tmp_path: Path
) -> None:
    pods = (pod_without_image(platform), pod_that_fills_its_disk(platform))
    triggerer = ("-n", platform.namespace, f"deployment/{names.TRIGGERER}", "-c", "triggerer")
    with file_with_an_error(platform, tmp_path), objects.applied(platform, *pods):
        report = support.start(api, causes.FAULTY, fault="memory")
        platform.kubectl.run("exec", *triggerer, "--", "sh", "-c", HICCUPS)
        watch.wait_firing(*SIDE_BY_SIDE)
        wait_for(lambda: all(told(platform, each) for each in SIDE_BY_SIDE), 120, "the messages")
        assert causes.finish(platform, api, report) == {"failed"}
        # It lasts until the pod is cleaned up, which the platform does an hour later.
        causes.delete_pods(platform, api, report, "memory")
    watch.end(*SIDE_BY_SIDE)
    wait_for(lambda: told(platform, "AirflowImagePullFailing", "resolved"), 180, "the all-clear")
    watch.wait_resolved("AirflowAlertsNotDelivered")
