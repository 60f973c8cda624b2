"""The tests on the cluster leave no alert unfired and no query of a dashboard unfilled."""

from __future__ import annotations

from monitoring import dashboards, rules
from monitoring.options import Options
from tests.cluster import marks


def words(mark: str) -> set[str]:
    """The words of a mark in all groups."""
    found = marks.arguments(mark)
    print({group or "make test": len(each) for group, each in found.items()})
    return set().union(*found.values())


def test_each_alert_is_fired_by_a_fault_of_some_group() -> None:
    """But the Watchdog, which always fires."""
    groups = rules.groups(Options())
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert len(alerts) > 40
    assert words("fires") == alerts - {"Watchdog"}


def test_each_fault_that_fills_a_query_is_made_by_some_group() -> None:
    faults = {str(each.only_on_failure) for each in dashboards.queries(Options())} - {"None"}
    assert len(faults) > 20
    assert words("fills") == faults
