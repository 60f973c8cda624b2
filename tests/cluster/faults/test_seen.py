"""After all faults: what no fault has fired, and no fault has filled, is known and has a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping

from infra.cli.airflow_api import AirflowApi
from infra.values.monitoring.options import options
from monitoring import dashboards, rules
from tests.cluster import support
from tests.cluster.watching import Watch
from tests.waiting import wait_for

# By promtool alone, and why.
NOT_FIRED: Mapping[str, str] = {}
# What fills a panel of a dashboard and is not made here.
UNTRIED = {
    "a disk of a node that is full while Loki is down",
}


def test_each_alert_has_fired_and_resolved(watch: Watch) -> None:
    groups = rules.groups(options(watch.platform.settings))
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    watch.wait_resolved(*watch.fired)
    print(f"{len(watch.resolved)} of {len(alerts)} alerts fired by a fault and resolved")
    # The one that always fires, and may not resolve.
    alerts.remove("Watchdog")
    assert alerts - watch.resolved == set(NOT_FIRED)


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
