"""After all faults: what no fault has fired, and no fault has filled, is known and has a reason."""

from __future__ import annotations

import json

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.values.monitoring.options import options
from monitoring import dashboards, rules
from tests.cluster import support
from tests.cluster.faults import causes
from tests.cluster.watching import Watch
from tests.waiting import wait_for

# By the tests that are marked slow.
FIRED_SLOWLY = {
    "AirflowCriticalSectionSlow",
    "AirflowDagBundleStale",
    "AirflowDagProcessorDown",
    "AirflowDatabaseConnectionsHigh",
    "AirflowLogsDelayed",
    "AirflowLokiDiscardsLines",
    "AirflowLokiErrors",
    "AirflowNoMetrics",
    "AirflowPodEvicted",
    "AirflowPoolFull",
    "AirflowRulesFailing",
    "AirflowRunFailureRatioHigh",
    "AirflowScheduleDelayHigh",
    "AirflowScheduledLatencyHigh",
    "AirflowTaskFailureRatioHigh",
    "AirflowTaskFailuresEverywhere",
    "AirflowTaskPodPending",
    "AirflowTasksNotStarting",
    "AirflowTasksStarving",
    "AirflowTriggererFull",
    "AirflowVolumeFilling",
}
# What only the tests that are marked slow fill of the dashboards' queries.
FILLED_SLOWLY = {
    "a DAG file that sleeps while it is imported",
    "a cluster whose volumes have a size of their own",
    "a disk of a node that is full while Loki is down",
    "a line that Loki refuses, such as one that is too old",
    "a pod that its node evicts",
}
# Faults of the DAG that no test before makes.
MADE_HERE = ("retried", "source", "poison")


def test_each_alert_has_fired_and_resolved(watch: Watch, request: pytest.FixtureRequest) -> None:
    slow = request.config.getoption("--slow")
    groups = rules.groups(options(watch.platform.settings))
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    # It always fires, and may not resolve.
    alerts.remove("Watchdog")
    # The ratio of runs looks back for the longest: for 18 minutes here.
    watch.wait_resolved(*watch.fired & alerts, timeout=1500)
    print(f"{len(watch.resolved)} of {len(alerts)} alerts fired by a fault and resolved")
    assert alerts - watch.resolved == (set() if slow else FIRED_SLOWLY)


def test_what_a_fault_alone_fills_is_filled(
    platform: Platform, api: AirflowApi, watch: Watch, request: pytest.FixtureRequest
) -> None:
    """The dashboards' queries that are empty on a healthy platform, after all of the above."""
    api.unpause("tick")
    runs = [support.start(api, causes.FAULTY, fault=fault) for fault in MADE_HERE]
    for report in runs:
        support.finish(platform, api, report)

    def ticked() -> bool:
        return [run["state"] for run in api.runs("tick")].count("success") >= 2

    wait_for(ticked, support.RUN_TIMEOUT, "two runs by schedule")
    support.pause(api, "tick")
    chosen = options(watch.platform.settings)
    asked = [each for each in dashboards.queries(chosen) if each.only_on_failure]
    faults = {str(each.only_on_failure) for each in asked}
    assert faults >= FILLED_SLOWLY, "a fault that no panel waits for"
    untried = set() if request.config.getoption("--slow") else FILLED_SLOWLY

    empty = asked

    def filled() -> bool:
        nonlocal empty
        empty = [each for each in asked if not watch.finds(each)]
        return {str(each.only_on_failure) for each in empty} <= untried

    try:
        wait_for(filled, 90, "the series of the last runs")
    finally:
        told = [f"{each.panel}: {each.expr}" for each in empty]
        print(f"{len(asked)} queries of {len(faults)} faults, empty:", json.dumps(told, indent=1))
