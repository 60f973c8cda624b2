"""After a group's faults: its alerts have fired and resolved, and its queries are filled."""

from __future__ import annotations

import json

import pytest

from infra.values.monitoring.options import options
from monitoring import dashboards
from tests.cluster.marks import ALWAYS, arguments
from tests.cluster.watching import Watch
from tests.waiting import wait_for

FIRED, FILLED = arguments("fires"), arguments("fills")


def by_group(words: dict[str, set[str]]) -> list[object]:
    """A parameter for each group, which is judged with the group's own tests."""
    return [pytest.param(group, id=group or "test", marks=marked(group)) for group in sorted(words)]


def marked(group: str) -> list[pytest.MarkDecorator]:
    return [] if group == ALWAYS else [pytest.mark.slow(group=group)]


@pytest.mark.parametrize("group", by_group(FIRED))
def test_each_alert_has_fired_and_resolved(watch: Watch, group: str) -> None:
    alerts = FIRED[group]
    watch.wait_resolved(*alerts)
    print(f"{len(alerts)} alerts fired by a fault and resolved: {', '.join(sorted(alerts))}")


@pytest.mark.parametrize("group", by_group(FILLED))
def test_what_a_fault_alone_fills_is_filled(watch: Watch, group: str) -> None:
    """The dashboards' queries that are empty on a healthy platform."""
    chosen = options(watch.platform.settings)
    asked = [each for each in dashboards.queries(chosen) if each.only_on_failure in FILLED[group]]
    assert asked
    empty = asked

    def filled() -> bool:
        nonlocal empty
        empty = [each for each in empty if not watch.finds(each)]
        return not empty

    try:
        wait_for(filled, 90, "the series of the last faults")
    finally:
        told = [f"{each.panel}: {each.expr}" for each in empty]
        print(
            f"{len(asked)} queries of {len(FILLED[group])} faults, empty:",
            json.dumps(told, indent=1),
        )
