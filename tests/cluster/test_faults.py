"""Each fault that one node can suffer fires its alert, and the alert resolves after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from infra.values import names, security
from infra.values.monitoring.options import options
from monitoring import dashboards
from tests.cluster import receiver, support
from tests.cluster.watching import ALERTS, Watch, scaled_down
from tests.waiting import wait_for

BROKEN = "broken.py"
DAG = "faulty"
# What fills a panel of a dashboard and is not made here.
UNTRIED = {
    "a DAG file that sleeps while it is imported",
    "a cluster whose volumes have a size of their own",
    "a disk of a node that is full while Loki is down",
    "a line that Loki refuses, such as one that is too old",
    "a pod that its node evicts",
    "a source that fails again and again",
    "a task that is retried",
}


@pytest.fixture(scope="module", autouse=True)
def told(platform: Platform, pushed: None) -> Iterator[None]:
    """Somebody is told of all of it."""
    del pushed
    with receiver.running(platform, ALERTS):
        yield


def messages(platform: Platform, alert: str, status: str) -> int:
    """How many messages of an alert have reached the receiver."""
    return sum(
        each["labels"]["alertname"] == alert and each["status"] == status
        for message in receiver.received(platform, ALERTS)
        for each in message["alerts"]
    )


def start(api: AirflowApi, fault: str) -> RunReport:
    """Begin a run that fails in a way."""
    api.wait_for_dag(DAG, 180, print)
    api.unpause(DAG)
    return RunReport(DAG, api.trigger(DAG, {"fault": fault}))


def delete(platform: Platform, report: RunReport, task_id: str) -> None:
    """Delete the pods of a task."""
    pods = [pod.name for key, pod in report.pods.items() if key[0] == task_id]
    assert pods
    platform.kubectl.run("delete", "pod", *pods, "-n", platform.tasks_namespace)


def test_errors_of_tasks_and_runs_fire(platform: Platform, api: AirflowApi, watch: Watch) -> None:
    reports = [start(api, "error") for _ in range(3)]
    watch.wait_firing("AirflowTaskFailureRatioHigh", "AirflowRunFailureRatioHigh", timeout=240)
    for report in reports:
        assert support.finish(platform, api, report).state == "failed"
    watch.wait_resolved("AirflowTaskFailureRatioHigh")


def test_a_task_that_takes_too_much_memory_fires(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    report = start(api, "memory")
    watch.wait_firing("AirflowTaskOutOfMemory")
    assert support.finish(platform, api, report).state == "failed"
    # It lasts until the pod is cleaned up, which the platform does an hour later.
    delete(platform, report, "memory")
    watch.wait_resolved("AirflowTaskOutOfMemory")


def test_an_image_that_is_nowhere_fires(platform: Platform, watch: Watch) -> None:
    """A pod as of a task; Airflow itself would make another when this one is deleted."""
    amounts = {"cpu": "10m", "memory": "16Mi"}
    container = {
        "name": "base",
        "image": "localhost/updraft/nowhere:1",
        "securityContext": security.container(),
        "resources": {"requests": amounts, "limits": amounts},
    }
    where = {"name": "without-image", "namespace": platform.tasks_namespace}
    ids = {"annotations": {"dag_id": DAG, "task_id": "image", "try_number": "1"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": where | ids,
        "spec": {"securityContext": security.pod(), "containers": [container]},
    }
    platform.kubectl.apply([pod])
    watch.wait_firing("AirflowImagePullFailing", "AirflowTaskPodPending")
    platform.kubectl.run("delete", "pod", where["name"], "-n", where["namespace"])
    watch.wait_resolved("AirflowImagePullFailing", "AirflowTaskPodPending")


def test_a_quota_that_is_full_fires(platform: Platform, api: AirflowApi, watch: Watch) -> None:
    with support.quota(platform, 1):
        report = start(api, "long")
        watch.wait_firing("AirflowQuotaFull", "AirflowQuotaNearlyFull", timeout=240)
    support.finish(platform, api, report)
    watch.wait_resolved("AirflowQuotaFull", "AirflowQuotaNearlyFull")


def test_a_dag_that_cannot_be_read_fires(platform: Platform, watch: Watch, tmp_path: Path) -> None:
    support.push_by_git(platform, tmp_path, {BROKEN: "from airflow.sdk import dag, nowhere\n"})
    watch.wait_firing("AirflowDagImportErrors")
    again = tmp_path / "again"
    again.mkdir()
    support.push_by_git(platform, again, {BROKEN: "from airflow.sdk import dag\n"})
    watch.wait_resolved("AirflowDagImportErrors")


def test_a_missed_deadline_and_a_message_that_reaches_nobody_fire(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    gone = receiver.address(platform.namespace, "gone")
    api.put_connection(receiver.NAME, conn_type="http", password=gone)
    report = support.run(platform, api, "late")
    assert report.state == "failed"
    watch.wait_firing("AirflowDeadlineMissed", "AirflowNotificationsFailing")
    api.delete_connection(receiver.NAME)
    watch.wait_resolved("AirflowDeadlineMissed", "AirflowNotificationsFailing", timeout=420)


def test_what_watches_is_watched(platform: Platform, watch: Watch) -> None:
    spaces = platform.settings.namespaces
    watching = [f"deployment/{name}" for name in (names.STATSD_EXPORTER, names.KUBE_STATE_METRICS)]
    fired = ("AirflowExporterDown", "AirflowStatsdExporterDown", "AirflowTargetDown")
    with (
        scaled_down(platform, spaces.monitoring, *watching, f"deployment/{names.LOKI}"),
        scaled_down(platform, spaces.airflow, f"deployment/{names.AIRFLOW_EXPORTER}"),
    ):
        watch.wait_firing(*fired)
    watch.wait_resolved(*fired)


def test_a_control_plane_that_is_down_fires_and_is_told(platform: Platform, watch: Watch) -> None:
    down = (names.SCHEDULER, names.DAG_PROCESSOR, names.TRIGGERER, names.API_SERVER)
    fired = (
        "AirflowSchedulerDown",
        "AirflowDagProcessorDown",
        "AirflowTriggererDown",
        "AirflowApiServerDown",
    )
    with scaled_down(platform, platform.namespace, *(f"deployment/{name}" for name in down)):
        watch.wait_firing(*fired, timeout=300)
        wait_for(lambda: messages(platform, fired[0], "firing"), 120, "the page")
    watch.wait_resolved(*fired)
    wait_for(lambda: messages(platform, fired[0], "resolved"), 120, "the all-clear")


def test_a_database_that_is_down_silences_what_follows_from_it(
    platform: Platform, watch: Watch
) -> None:
    with scaled_down(platform, platform.namespace, f"statefulset/{names.POSTGRESQL}"):
        watch.wait_firing("AirflowDatabaseDown")
        wait_for(lambda: messages(platform, "AirflowDatabaseDown", "firing"), 120, "the page")

        def quiet() -> bool:
            alerts = watch.get(names.ALERTMANAGER, "/api/v2/alerts")
            by_name = {each["labels"]["alertname"]: each["status"] for each in alerts}
            print({name: status["state"] for name, status in by_name.items()})
            following = by_name.get("AirflowApiServerDown")
            return bool(following and following["inhibitedBy"])

        wait_for(quiet, 180, "the API server's alert, and that it is inhibited")
    watch.wait_resolved("AirflowDatabaseDown", "AirflowApiServerDown", timeout=400)


def test_what_a_fault_alone_fills_is_filled(api: AirflowApi, watch: Watch) -> None:
    """The dashboards' queries that are empty on a healthy platform, after all of the above."""
    api.unpause("tick")

    def ticked() -> bool:
        return [run["state"] for run in api.runs("tick")].count("success") >= 2

    wait_for(ticked, support.RUN_TIMEOUT, "two runs by schedule")
    api.call("PATCH", "dags/tick?update_mask=is_paused", {"is_paused": True})
    chosen = options(watch.platform.settings)
    asked = [each for each in dashboards.queries(chosen) if each.only_on_failure]
    faults = {str(each.only_on_failure) for each in asked}

    def filled() -> set[str]:
        return {str(each.only_on_failure) for each in asked if watch.finds(each)}

    try:
        wait_for(lambda: filled() >= faults - UNTRIED, 60, "the series of the last runs")
    finally:
        empty = [f"{each.panel}: {each.expr}" for each in asked if not watch.finds(each)]
        print(f"{len(asked)} queries of {len(faults)} faults", json.dumps(empty, indent=1))
    assert faults >= UNTRIED, "a fault that no panel waits for"
