"""Budgets: who is told how fast they burn, and what is left of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.monitoring.rules.cases import OBJECTIVES
from tests.monitoring.rules.cases.objectives import BurnCase
from tests.monitoring.rules.unit import HEALTHY, Promtool

# Minutes before anything is bad.
BEGIN = 10
# A brief burst is still in the short window when the long one is counted.
BRIEF = [case for case in OBJECTIVES if case.burn.severity == "page"]


def _firing(case: BurnCase) -> str:
    return (
        f'max by (alertname, severity) (ALERTS{{alertname="{case.objective.alert}",'
        f'long="{case.burn.long}",alertstate="firing"}})'
    )


def _narrow(promtool: Promtool, case: BurnCase) -> Promtool:
    """These tests last for days: what no alert of the case reads is left out."""
    return replace(promtool, only={"slo": case.objective.name, "long": case.burn.long})


def _ever(case: BurnCase, over: int) -> str:
    return (
        f'max by (alertname) (max_over_time(ALERTS{{alertname="{case.objective.alert}",'
        f'long="{case.burn.long}",alertstate="firing"}}[{over}m]))'
    )


# Three days take promtool long: all objectives are made alike, so one of them shows it.
NEAR = [
    case for case in OBJECTIVES if case.burn.long != "3d" or case.objective.name == "run-success"
]


@pytest.mark.parametrize("case", OBJECTIVES, ids=str)
def test_a_budget_that_burns_is_told_for_as_long_as_it_does(
    case: BurnCase, promtool: Promtool
) -> None:
    promtool = _narrow(promtool, case)
    # It is bad for the whole long window, so both windows have the ratio.
    long = case.long
    shown = {"alertname": case.objective.alert, "severity": case.burn.severity}
    fast = case.series(min(case.threshold * 1.05, 1), BEGIN, long)
    after = BEGIN + long + case.long // 12 + 2
    wrong = promtool.firing(
        case.objective.alert,
        fast,
        [
            (_firing(case), BEGIN + long, [shown]),
            # The short window forgets first; the alert ends while the long one remembers.
            (_firing(case), after, []),
        ],
    )
    assert not wrong, wrong


@pytest.mark.parametrize("case", NEAR, ids=str)
def test_a_budget_that_burns_slower_is_not_told(case: BurnCase, promtool: Promtool) -> None:
    promtool = _narrow(promtool, case)
    end = BEGIN + case.long + case.long // 12 + 2
    slow = case.series(case.threshold * 0.95, BEGIN, case.long)
    wrong = promtool.firing(case.objective.alert, slow, [(_ever(case, end), end, [])])
    assert not wrong, wrong


@pytest.mark.parametrize("case", BRIEF, ids=str)
@pytest.mark.parametrize("enough", [True, False], ids=["enough", "few"])
def test_few_events_tell_nobody_however_bad(
    case: BurnCase, enough: bool, promtool: Promtool
) -> None:
    promtool = _narrow(promtool, case)
    alert = case.objective.alert
    events = case.least - (0 if enough else 1)
    # All of them within a minute, the only ones of the platform's life.
    alone = case.series(1, BEGIN, 1, events=events, normal=0)
    shown = [{"alertname": alert}] if enough else []
    end = BEGIN + case.long
    wrong = promtool.firing(alert, alone, [(_ever(case, end), end, shown)])
    assert not wrong, wrong


def test_what_is_left_of_a_budget_is_recorded(promtool: Promtool) -> None:
    case = next(each for each in OBJECTIVES if str(each) == "run-success-14.4")
    # Half of what may fail fails, from the beginning.
    series = {**HEALTHY, **case.series(0.025, 1, 300)}
    test = {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values} for name, values in series.items() if values
        ],
        "promql_expr_test": [
            {
                "expr": 'round(slo:error_budget_left:ratio{slo="run-success"}, 0.01)',
                "eval_time": "200m",
                "exp_samples": [{"labels": '{slo="run-success"}', "value": 0.5}],
            },
            # What never happened has no budget to be spent.
            {
                "expr": 'slo:error_budget_left:ratio{slo="on-time"}',
                "eval_time": "200m",
                "exp_samples": [],
            },
        ],
    }
    wrong = promtool.run("slo:error_budget_left:ratio", [test])
    assert not wrong, wrong
