"""A part of the platform that is down, starved or full fires its alert, which resolves after it."""

from __future__ import annotations

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.values import names
from tests.cluster import receiver, support
from tests.cluster.faults import causes, volume
from tests.cluster.watching import ALERTS, Watch, scaled_down
from tests.waiting import wait_for

TRIGGERER = f"deployment/{names.TRIGGERER}"
# More would keep the platform itself out of its database.
CONNECTIONS = 80
CONNECTS = f"""
import os, time
import psycopg
address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
held = [psycopg.connect(address) for _ in range({CONNECTIONS})]
print(len(held), flush=True)
time.sleep(75)
"""
# Freezes every process of a container but the first for a second, more often than is let pass.
HICCUPS = "for i in 1 2 3 4 5 6 7 8; do kill -STOP -1; sleep 1; kill -CONT -1; sleep 0.5; done"
LITTLE = {"requests": {"cpu": "10m", "memory": "24Mi"}, "limits": {"cpu": "500m", "memory": "24Mi"}}


def messages(platform: Platform, alert: str, status: str) -> int:
    """How many messages of an alert have reached the receiver."""
    return sum(
        each["labels"]["alertname"] == alert and each["status"] == status
        for message in receiver.received(platform, ALERTS)
        for each in message["alerts"]
    )


def test_a_control_plane_that_is_down_fires_and_is_told(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    down = (names.SCHEDULER, names.TRIGGERER, names.API_SERVER)
    fired = ("AirflowSchedulerDown", "AirflowTriggererDown", "AirflowApiServerDown")
    orphans = "AirflowOrphanedTasks"
    with support.quota(platform, 1):
        # Queued, and without a pod: nobody knows of them once their scheduler is gone.
        report = support.start(api, "crowd")
        causes.wait_state(api, report, "wait", "queued", least=8)
        with scaled_down(platform, platform.namespace, *(f"deployment/{name}" for name in down)):
            watch.wait_firing(*fired)
            wait_for(lambda: messages(platform, fired[0], "firing"), 120, "the page")
        watch.wait_firing(orphans)
    watch.end(*fired, orphans)
    wait_for(lambda: messages(platform, fired[0], "resolved"), 120, "the all-clear")
    support.finish(platform, api, report)


def test_a_database_that_is_down_silences_what_follows_from_it(
    platform: Platform, watch: Watch
) -> None:
    with scaled_down(platform, platform.namespace, f"statefulset/{names.POSTGRESQL}"):
        watch.wait_firing("AirflowDatabaseDown")
        wait_for(lambda: messages(platform, "AirflowDatabaseDown", "firing"), 120, "the page")

        def quiet() -> bool:
            alerts = watch.get(names.ALERTMANAGER, "/api/v2/alerts")
            by_name = {each["labels"]["alertname"]: each["status"] for each in alerts}
            following = by_name.get("AirflowApiServerDown")
            return bool(following and following["inhibitedBy"])

        wait_for(quiet, 180, "the API server's alert, and that it is inhibited")
    watch.end("AirflowDatabaseDown")
    wait_for(lambda: "AirflowApiServerDown" not in watch.firing(), 300, "the API server")


@pytest.mark.slow
def test_a_database_whose_connections_are_taken_fires(platform: Platform, watch: Watch) -> None:
    with causes.meanwhile(platform, "exec", *causes.in_dag_processor(platform), CONNECTS):
        watch.wait_firing("AirflowDatabaseConnectionsHigh")
    watch.end("AirflowDatabaseConnectionsHigh")


def test_a_server_with_too_little_memory_fires(platform: Platform, watch: Watch) -> None:
    path = "/spec/template/spec/containers/0/resources"
    exporter = (platform, platform.namespace, f"deployment/{names.AIRFLOW_EXPORTER}", path)
    with causes.patched(*exporter, lambda _: LITTLE):
        watch.wait_firing("AirflowComponentOutOfMemory")
    watch.end("AirflowComponentOutOfMemory")


@pytest.mark.slow
def test_a_volume_that_fills_fires(platform: Platform, watch: Watch) -> None:
    with volume.filled(platform, platform.namespace):
        watch.wait_firing("AirflowVolumeFilling")
    watch.end("AirflowVolumeFilling")


@pytest.mark.slow
def test_a_triggerer_that_has_no_room_fires(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    with causes.variable(platform, TRIGGERER, "AIRFLOW__TRIGGERER__CAPACITY", "4"):
        report = support.start(api, "resting")
        watch.wait_firing("AirflowTriggererFull")
        assert causes.finish(platform, api, report) == {"success"}
    watch.end("AirflowTriggererFull")


def test_a_triggerer_that_hangs_fires(platform: Platform, watch: Watch) -> None:
    where = ("-n", platform.namespace, TRIGGERER, "-c", "triggerer")
    platform.kubectl.run("exec", *where, "--", "sh", "-c", HICCUPS)
    watch.wait_firing("AirflowTriggererBlocked")
    watch.end("AirflowTriggererBlocked")
