"""Tasks and runs that wait fire the alerts that say for what they wait, which resolve after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from tests.cluster import support
from tests.cluster.dags import crowd, starving
from tests.cluster.faults import causes
from tests.cluster.watching import Watch

WAITING = (
    "AirflowPoolFull",
    "AirflowScheduleDelayHigh",
    "AirflowTaskPodPending",
    "AirflowTasksNotStarting",
    "AirflowTasksStarving",
)
# Tells of how long tasks waited, so not before they wait no more.
WAITED = "AirflowScheduledLatencyHigh"

pytestmark = [pytest.mark.slow(group="faults"), pytest.mark.usefixtures("listener")]


@contextmanager
def pools_of_one_slot(api: AirflowApi, *pools: str) -> Iterator[None]:
    """Have pools of one slot each while the block runs."""
    for pool in pools:
        api.call("POST", "pools", {"name": pool, "slots": 1, "include_deferred": False})
    try:
        yield
    finally:
        for pool in pools:
            api.call("DELETE", f"pools/{pool}")


@contextmanager
def labelled_nodes(platform: Platform, key: str, value: str) -> Iterator[None]:
    """Have a label on every node while the block runs."""
    platform.kubectl.run("label", "nodes", "--all", "--overwrite", f"{key}={value}")
    try:
        yield
    finally:
        platform.kubectl.run("label", "nodes", "--all", f"{key}-")


def widen(api: AirflowApi, pool: str) -> None:
    wider = {"pool": pool, "slots": 16, "include_deferred": False}
    api.call("PATCH", f"pools/{pool}?update_mask=slots", wider)


@pytest.mark.fires(*WAITING, WAITED)
@pytest.mark.fills(
    "a task that runs for a minute", "a task with a CPU limit that computes for 30 s"
)
def test_tasks_that_wait_for_a_pool_or_a_node_and_runs_that_begin_late_fire(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    """Side by side: a pool that is held, one that is too small, a node that is not there."""
    with pools_of_one_slot(api, crowd.POOL, starving.POOL):
        runs = [support.start(api, name) for name in ("narrow", "starving")]
        runs.append(support.start(api, causes.FAULTY, fault="nowhere"))
        causes.wait_state(api, runs[-1], "nowhere", "queued")
        causes.queued_earlier(platform, causes.FAULTY, 11)
        support.start_schedule(api, "behind")
        watch.wait_firing(*WAITING)
        support.pause(api, "behind")
        with labelled_nodes(platform, "tests", "nowhere"):
            watch.wait_firing(WAITED)
            for pool in (crowd.POOL, starving.POOL):
                widen(api, pool)
            assert causes.finish(platform, api, *runs) == {"success"}
    watch.end(*WAITING, WAITED)
