"""Tasks that wait fire the alerts that say for what they wait, which resolve after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.values import names
from tests.cluster import support
from tests.cluster.faults import causes
from tests.cluster.watching import Watch

POOL = "narrow"
# The critical section reads the pools, and little else does.
SLOW = "".join(
    "BEGIN; LOCK TABLE slot_pool IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT;"
    " SELECT pg_sleep(0.2);"
    for _ in range(20)
)


def queued_earlier(platform: Platform, dag_id: str, minutes: int) -> None:
    """Put into the past when a DAG's waiting tasks were queued: nobody waits that long here."""
    causes.metadata(
        platform,
        "UPDATE task_instance"  # noqa: S608 -- our own words
        f" SET queued_dttm = queued_dttm - interval '{minutes} minutes'"
        f" WHERE dag_id = '{dag_id}' AND state = 'queued'",
    )


def test_a_quota_that_is_full_fires(platform: Platform, api: AirflowApi, watch: Watch) -> None:
    full = ("AirflowQuotaFull", "AirflowQuotaNearlyFull", "AirflowExecutorSlotsLow")
    first = support.start(api, causes.FAULTY, fault="long")
    causes.wait_state(api, first, "long", "running")
    with support.quota(platform, 1):
        report = support.start(api, "crowd")
        causes.wait_state(api, report, "wait", "queued", least=10)
        queued_earlier(platform, "crowd", 61)
        watch.wait_firing(*full, "AirflowQuotaBacklog")
    # Those that have waited for an hour did not begin soon.
    watch.wait_firing("AirflowTaskStartBudgetBurn")
    assert causes.finish(platform, api, first, report) == {"success"}
    watch.end(*full, "AirflowQuotaBacklog", "AirflowTaskStartBudgetBurn")


@contextmanager
def narrow_pool(api: AirflowApi) -> Iterator[None]:
    """Have a pool of one slot while the block runs."""
    api.call("POST", "pools", {"name": POOL, "slots": 1, "include_deferred": False})
    try:
        yield
    finally:
        api.call("DELETE", f"pools/{POOL}")


@pytest.mark.slow
def test_a_task_that_its_pool_is_too_small_for_fires(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    with narrow_pool(api):
        report = support.start(api, "starving")
        watch.wait_firing("AirflowTasksStarving")
        wider = {"pool": POOL, "slots": 2, "include_deferred": False}
        api.call("PATCH", f"pools/{POOL}?update_mask=slots", wider)
        assert causes.finish(platform, api, report) == {"success"}
    watch.end("AirflowTasksStarving")


@pytest.mark.slow
def test_a_pool_that_is_full_fires(platform: Platform, api: AirflowApi, watch: Watch) -> None:
    fired = ("AirflowPoolFull", "AirflowScheduledLatencyHigh")
    with narrow_pool(api):
        report = support.start(api, "narrow")
        watch.wait_firing(*fired)
        assert causes.finish(platform, api, report) == {"success"}
    watch.end(*fired)


@pytest.mark.slow
def test_a_task_that_no_node_takes_fires(platform: Platform, api: AirflowApi, watch: Watch) -> None:
    fired = ("AirflowTasksNotStarting", "AirflowTaskPodPending")
    report = support.start(api, causes.FAULTY, fault="nowhere")
    causes.wait_state(api, report, "nowhere", "queued")
    queued_earlier(platform, causes.FAULTY, 11)
    watch.wait_firing(*fired)
    platform.kubectl.run("label", "nodes", "--all", "--overwrite", "tests=nowhere")
    assert causes.finish(platform, api, report) == {"success"}
    platform.kubectl.run("label", "nodes", "--all", "tests-")
    watch.end(*fired)


@pytest.mark.slow
def test_runs_that_begin_late_fire(api: AirflowApi, watch: Watch) -> None:
    api.wait_for_dag("behind", 180, print)
    api.unpause("behind")
    watch.wait_firing("AirflowScheduleDelayHigh")
    support.pause(api, "behind")
    watch.end("AirflowScheduleDelayHigh")


@pytest.mark.slow
def test_a_database_that_holds_the_scheduler_up_fires(platform: Platform, watch: Watch) -> None:
    database = ("-n", platform.namespace, f"statefulset/{names.POSTGRESQL}", "-c", "postgresql")
    psql = ("psql", "-q", "-U", "airflow", "-d", "airflow", "-c", SLOW)
    with causes.meanwhile(platform, "exec", *database, "--", *psql):
        watch.wait_firing("AirflowCriticalSectionSlow")
    watch.end("AirflowCriticalSectionSlow")
