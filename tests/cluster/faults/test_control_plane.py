"""A quota that is full, and a control plane or a database that is down, fire and are told."""

from __future__ import annotations

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from infra.values import names
from tests.cluster import objects, support
from tests.cluster.faults import causes
from tests.cluster.watching import Watch, scaled_down, told
from tests.waiting import wait_for

FULL = (
    "AirflowExecutorSlotsLow",
    "AirflowQuotaBacklog",
    "AirflowQuotaFull",
    "AirflowQuotaNearlyFull",
)
COMPONENTS = (names.SCHEDULER, names.TRIGGERER, names.API_SERVER, names.DAG_PROCESSOR)
DOWN = (
    "AirflowSchedulerDown",
    "AirflowTriggererDown",
    "AirflowApiServerDown",
    "AirflowDagProcessorDown",
    "AirflowDagBundleStale",
)
# After the others: once the scheduler is back, and once the tasks have begun.
ORPHANS, LATE = "AirflowOrphanedTasks", "AirflowTaskStartBudgetBurn"
HOLDS = "import time; time.sleep(3600)"

pytestmark = [pytest.mark.slow(group="servers"), pytest.mark.usefixtures("listener")]


def wait_for_an_hour(platform: Platform, api: AirflowApi, report: RunReport) -> None:
    """Have the tasks of a crowd been queued since an hour ago."""
    causes.wait_state(api, report, "wait", "queued", least=10)
    causes.queued_earlier(platform, report.dag_id, 61)


@pytest.mark.fires(*FULL, *DOWN, ORPHANS, LATE)
@pytest.mark.fills("a fan-out larger than the quota", "a scheduler that dies")
def test_a_full_quota_and_then_a_control_plane_that_is_down_fire_and_are_told(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    holder = objects.pod(platform, "holder", platform.tasks_namespace, program=HOLDS)
    down = [f"deployment/{name}" for name in COMPONENTS]
    with support.quota(platform, 1), objects.applied(platform, holder):
        # Queued, and without a pod: nobody knows of them once their scheduler is gone.
        report = support.start(api, "crowd")
        wait_for_an_hour(platform, api, report)
        watch.wait_firing(*FULL)
        with scaled_down(platform, platform.namespace, *down):
            earlier = "last_refreshed - interval '11 minutes'"
            causes.metadata(platform, f"UPDATE dag_bundle SET last_refreshed = {earlier}")  # noqa: S608
            watch.wait_firing(*DOWN)
            wait_for(lambda: told(platform, DOWN[0]), 120, "the page")
        watch.wait_firing(ORPHANS)
        wait_for_an_hour(platform, api, report)
    watch.wait_firing(LATE)
    watch.end(*FULL, *DOWN, ORPHANS, LATE)
    wait_for(lambda: told(platform, DOWN[0], "resolved"), 120, "the all-clear")
    assert causes.finish(platform, api, report) == {"success"}


@pytest.mark.fires("AirflowDatabaseDown")
def test_a_database_that_is_down_silences_what_follows_from_it(
    platform: Platform, watch: Watch
) -> None:
    with scaled_down(platform, platform.namespace, f"statefulset/{names.POSTGRESQL}"):
        watch.wait_firing("AirflowDatabaseDown")
        wait_for(lambda: told(platform, "AirflowDatabaseDown"), 120, "the page")

        def quiet() -> bool:
            alerts = watch.get(names.ALERTMANAGER, "/api/v2/alerts")
            by_name = {each["labels"]["alertname"]: each["status"] for each in alerts}
            following = by_name.get("AirflowApiServerDown")
            return bool(following and following["inhibitedBy"])

        wait_for(quiet, 180, "the API server's alert, and that it is inhibited")
    watch.end("AirflowDatabaseDown")
    wait_for(lambda: "AirflowApiServerDown" not in watch.firing(), 300, "the API server")
