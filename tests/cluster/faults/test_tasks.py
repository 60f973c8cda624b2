"""Tasks and runs that fail, die or are late fire their alerts, which resolve after them."""

from __future__ import annotations

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from tests.cluster import receiver, support
from tests.cluster.dags import doomed
from tests.cluster.faults import causes
from tests.cluster.watching import Watch
from tests.waiting import wait_for

# Of runs that are late: fewer than half of them fail, or that would be told for long after.
LATE_FAIL, LATE_WELL = 8, 9
# The ratio of runs looks back for long: as many that end well make it small again.
WELL = ("retried", "poison", "none", "none", "none")
# Freezes every process of a container but the first, as a node does that has no CPU left for it.
FREEZE = "kill -STOP -1"
FIRED = (
    "AirflowCallbackErrors",
    "AirflowDeadlineMissed",
    "AirflowNotificationsFailing",
    "AirflowOnTimeBudgetBurn",
    "AirflowRunFailureRatioHigh",
    "AirflowRunSuccessBudgetBurn",
    "AirflowTaskFailureRatioHigh",
    "AirflowTaskFailuresEverywhere",
    "AirflowTasksWithoutHeartbeat",
)

pytestmark = [pytest.mark.slow(group="faults"), pytest.mark.usefixtures("listener")]


def start_silent(platform: Platform, api: AirflowApi) -> RunReport:
    """Begin a run whose task gives no sign of life, for longer than is waited for one."""
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
    return report


@pytest.mark.fires(*FIRED)
@pytest.mark.fills(
    "a callback of a run that raises an error",
    "a record that can't be processed",
    "a run that misses its deadline",
    "a source that fails again and again",
    "a task pod that is killed while it runs",
    "a task that fails",
    "a task that fails, with notifications on",
    "a task that is retried",
)
def test_tasks_that_fail_fall_silent_or_are_late_fire(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    """Side by side: tasks of three DAGs, and messages that reach nobody."""
    gone = receiver.address(platform.namespace, "gone")
    api.put_connection(receiver.NAME, conn_type="http", password=gone)
    silent = start_silent(platform, api)
    failing = [support.start(api, "late", fails=True) for _ in range(LATE_FAIL)]
    failing += [support.start(api, causes.FAULTY, fault=fault) for fault in ("error", "source")]
    failing += [support.start(api, name) for name in doomed.NAMES]
    late = [support.start(api, "late", fails=False) for _ in range(LATE_WELL)]
    # The ratio of runs, over six hours scaled, is not told before the platform is that old.
    watch.wait_firing(*FIRED, timeout=1200)
    causes.delete_pods(platform, api, silent, "long")
    well = [support.start(api, causes.FAULTY, fault=fault) for fault in WELL]
    assert causes.finish(platform, api, silent, *failing) == {"failed"}
    assert causes.finish(platform, api, *late, *well) == {"success"}
    api.delete_connection(receiver.NAME)
    watch.end(*FIRED)


@pytest.mark.fills("a DAG with a schedule")
def test_runs_by_schedule_are_measured(api: AirflowApi) -> None:
    """Airflow measures some things of these alone."""
    support.start_schedule(api, "tick")

    def ticked() -> bool:
        return [run["state"] for run in api.runs("tick")].count("success") >= 2

    wait_for(ticked, support.RUN_TIMEOUT, "two runs by schedule")
    support.pause(api, "tick")
