"""Tasks and runs that fail, die or are late fire their alerts, which resolve after them."""

from __future__ import annotations

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from tests.cluster import receiver, support
from tests.cluster.dags import doomed
from tests.cluster.faults import causes
from tests.cluster.watching import Watch

LATE_RUNS = 15
GOOD_RUNS = 5
# Freezes every process of a container but the first, as a node does that has no CPU left for it.
FREEZE = "kill -STOP -1"


@pytest.mark.slow
def test_errors_of_tasks_and_runs_fire(platform: Platform, api: AirflowApi, watch: Watch) -> None:
    ratios = ("AirflowTaskFailureRatioHigh", "AirflowRunFailureRatioHigh")
    reports = [support.start(api, causes.FAULTY, fault="error") for _ in range(3)]
    watch.wait_firing(*ratios, timeout=600)
    assert causes.finish(platform, api, *reports) == {"failed"}
    # The ratio of runs looks back for long: as many that end well make it small again.
    well = [support.start(api, causes.FAULTY, fault="none") for _ in range(GOOD_RUNS)]
    assert causes.finish(platform, api, *well) == {"success"}
    watch.end(*ratios)


@pytest.mark.slow
def test_errors_of_several_dags_at_once_fire(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    reports = [support.start(api, name) for name in doomed.NAMES]
    reports += [support.start(api, causes.FAULTY, fault="error") for _ in range(2)]
    watch.wait_firing("AirflowTaskFailuresEverywhere")
    assert causes.finish(platform, api, *reports) == {"failed"}
    watch.end("AirflowTaskFailuresEverywhere")


def test_a_task_that_takes_too_much_memory_fires(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    report = support.start(api, causes.FAULTY, fault="memory")
    watch.wait_firing("AirflowTaskOutOfMemory")
    assert causes.finish(platform, api, report) == {"failed"}
    # It lasts until the pod is cleaned up, which the platform does an hour later.
    causes.delete_pods(platform, api, report, "memory")
    watch.end("AirflowTaskOutOfMemory")


def test_a_task_that_gives_no_sign_of_life_fires(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    report = support.start(api, causes.FAULTY, fault="long")
    causes.wait_state(api, report, "long", "running")
    [name] = causes.pods(platform, api, report, "long")
    where = ("-n", platform.tasks_namespace, name, "-c", "base")
    platform.kubectl.run("exec", *where, "--", "sh", "-c", FREEZE)
    # Five minutes of silence are put into the past.
    causes.metadata(
        platform,
        "UPDATE task_instance SET last_heartbeat_at = last_heartbeat_at - interval '6 minutes'"
        " WHERE dag_id = 'faulty' AND task_id = 'long' AND state = 'running'",
    )
    watch.wait_firing("AirflowTasksWithoutHeartbeat")
    causes.delete_pods(platform, api, report, "long")
    assert causes.finish(platform, api, report) == {"failed"}
    watch.end("AirflowTasksWithoutHeartbeat")


def test_deadlines_that_are_missed_and_messages_that_reach_nobody_fire(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    counted = ("AirflowDeadlineMissed", "AirflowNotificationsFailing", "AirflowCallbackErrors")
    burnt = ("AirflowOnTimeBudgetBurn", "AirflowRunSuccessBudgetBurn")
    gone = receiver.address(platform.namespace, "gone")
    api.put_connection(receiver.NAME, conn_type="http", password=gone)
    reports = [support.start(api, "late") for _ in range(LATE_RUNS)]
    watch.wait_firing(*counted, *burnt)
    assert causes.finish(platform, api, *reports) == {"failed"}
    api.delete_connection(receiver.NAME)
    watch.end(*counted, *burnt)
