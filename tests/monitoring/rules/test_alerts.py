"""Each alert fires on its fault, ends with it, and stays quiet beside it."""

from __future__ import annotations

import pytest

from monitoring.rules import sources
from monitoring.rules.model import Alert
from tests.monitoring.rules.cases import CASES, OBJECTIVES
from tests.monitoring.rules.unit import OPTIONS, Case, Promtool, alerts, expected

# The longest test, in minutes.
END = 900


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_alert_fires_on_its_fault_and_ends_with_it(case: Case, promtool: Promtool) -> None:
    query = alerts(case.alert)
    wrong = promtool.firing(
        case.alert,
        case.fault,
        [(query, case.fires, [expected(case)]), (query, case.ends, [])],
    )
    assert not wrong, wrong


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_alert_stays_quiet_beside_its_fault(case: Case, promtool: Promtool) -> None:
    beside = {**case.fault, **case.beside}
    assert beside != case.fault
    end = case.ends + 30
    wrong = promtool.firing(case.alert, beside, [(alerts(case.alert, over=end), end, [])])
    assert not wrong, wrong


def test_a_healthy_platform_has_no_alert_but_the_watchdog(promtool: Promtool) -> None:
    query = f'max_over_time(ALERTS{{alertstate="firing",alertname!="Watchdog"}}[{END}m])'
    shown = {
        "alertname": "Watchdog",
        "alertstate": "firing",
        "area": "pipeline",
        "component": "prometheus",
        "severity": "none",
    }
    wrong = promtool.firing("", {}, [(query, END, []), (alerts("Watchdog"), END, [shown])])
    assert not wrong, wrong


def test_every_alert_has_a_fault_and_what_is_beside_it() -> None:
    shipped = {
        rule.name
        for group in sources(OPTIONS)
        for rule in group.rules
        if isinstance(rule, Alert) and rule.name != "Watchdog"
    }
    tested = {case.alert for case in CASES} | {case.objective.alert for case in OBJECTIVES}
    assert shipped == tested
    assert len(shipped) >= 40
    assert len(OBJECTIVES) == 16
