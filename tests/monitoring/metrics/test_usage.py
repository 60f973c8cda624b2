"""Rules and dashboards ask for nothing that StatsD and the exporter of the platform don't give."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from monitoring.metric_names import series
from monitoring.options import Options
from tests.monitoring.metrics.promql import SCRAPED, uses

# A recorded series has a colon in its name, and rules of its own.
OURS = re.compile(r"(airflow|updraft)_\w+")
# Grafana's own variables, as a value that the parser takes.
VARIABLES = (
    (re.compile(r"\$__(range|interval)_m?s|\$\{__(range|interval)_m?s\}"), "300"),
    (re.compile(r"\$__(rate_)?interval|\$\{__(rate_)?interval\}|\$__range|\$\{__range\}"), "5m"),
    (re.compile(r"\$\{?\w+(:\w+)?\}?"), "1"),
)


def wrong(expression: str) -> list[str]:
    """What of an expression's names and labels is not there."""
    known = series()
    told = []
    for name, labels in uses(expression):
        if not OURS.fullmatch(name):
            continue
        if name not in known:
            told.append(f"no series {name} in {expression}")
        elif missing := labels - known[name] - SCRAPED:
            told.append(f"no label {sorted(missing)} on {name} in {expression}")
    return told


def of_rules() -> Iterator[str]:
    rules = pytest.importorskip("monitoring.rules", reason="monitoring.rules is not there yet")
    for group in rules.groups(Options()):
        for rule in group["rules"]:
            yield str(rule["expr"])


def of_dashboards() -> Iterator[str]:
    if find_spec("monitoring.dashboards") is None or not hasattr(
        dashboards := pytest.importorskip("monitoring.dashboards"), "build"
    ):
        pytest.skip("monitoring.dashboards is not there yet")
    for dashboard in dashboards.build(Options()).values():
        yield from _expressions(dashboard)


def _expressions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        source = node.get("datasource")
        loki = isinstance(source, dict) and source.get("type") == "loki"
        if isinstance(node.get("expr"), str) and not loki:
            expression = node["expr"]
            for pattern, value in VARIABLES:
                expression = pattern.sub(value, expression)
            yield expression
        for each in node.values():
            yield from _expressions(each)
    elif isinstance(node, list):
        for each in node:
            yield from _expressions(each)


@pytest.mark.parametrize("source", [of_rules, of_dashboards])
def test_all_that_is_asked_for_is_given(source: Any) -> None:
    expressions = list(source())
    faults = [fault for expression in expressions for fault in wrong(expression)]
    print(f"{len(expressions)} expressions", *faults, sep="\n")
    assert not faults
    if not any(OURS.fullmatch(name) for each in expressions for name, _ in uses(each)):
        pytest.skip(f"{source.__name__}: {len(expressions)} expressions, none of these series yet")


@pytest.mark.parametrize(
    "expression",
    [
        "airflow_nobody_sends",
        "sum by (run_id) (rate(airflow_ti_finish[5m]))",
        'airflow_ti_finish{run_id="a"}',
        "sum by (le, task_id) (rate(updraft_task_queue_to_start_seconds_bucket[5m]))",
        "max_over_time(sum by (dag) (airflow_ti_running)[1h:1m])",
        "airflow_task_duration",
    ],
)
def test_what_is_not_given_is_found(expression: str) -> None:
    assert len(wrong(expression)) == 1


def test_what_is_given_is_left_alone() -> None:
    assert not wrong('sum by (dag_id) (rate(airflow_ti_finish{state="failed",job="x"}[5m])) > 3')
