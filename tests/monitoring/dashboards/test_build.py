"""What `build`, `queries` and `substitute` give to others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.dashboards import build, queries, sources, substitute
from monitoring.dashboards.substitute import variables
from monitoring.options import Options

UIDS = {
    f"updraft-{name}"
    for name in (
        "platform",
        "scheduler",
        "dags",
        "pods",
        "cost",
        "logs",
        "delivery",
        "database",
        "rightsize",
    )
}


def expressions(node: Any) -> list[str]:
    """Return every query of a dashboard's JSON."""
    if isinstance(node, list):
        return [each for child in node for each in expressions(child)]
    if not isinstance(node, dict):
        return []
    own = [node["expr"]] if "expr" in node else []
    return own + [each for child in node.values() for each in expressions(child)]


def test_each_dashboard_has_its_own_uid_and_file(options: Options) -> None:
    built = build(options)
    assert {each["uid"] for each in built.values()} == UIDS
    assert set(built) == {f"{uid}.json" for uid in UIDS}


def test_it_is_the_same_each_time_and_fits_into_a_config_map(options: Options) -> None:
    first, second = (json.dumps(build(options), sort_keys=True) for _ in range(2))
    assert first == second
    largest = max(len(json.dumps(each)) for each in build(options).values())
    print(f"{len(first)} bytes, the largest {largest}")
    # What kubectl apply keeps of an object, in an annotation.
    assert largest < 200_000


def test_grafana_s_own_model_reads_it_whole(options: Options) -> None:
    for name, board in build(options).items():
        read = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
        assert read == board, name


def test_queries_are_those_of_the_panels(options: Options) -> None:
    listed = sorted(query.expr for query in queries(options))
    assert listed == sorted(expressions(list(build(options).values())))
    assert len(listed) > 150


def test_the_marks_of_faults_stay_out_of_grafana_s_json(options: Options) -> None:
    marks = {query.only_on_failure for query in queries(options) if query.only_on_failure}
    text = json.dumps(build(options))
    assert len(marks) > 10
    assert "only_on_failure" not in text
    assert [mark for mark in marks if json.dumps(mark) in text] == []


def test_every_query_can_be_asked_without_grafana(options: Options) -> None:
    values = {each.name: each.default for board in sources(options) for each in board.variables}
    asked = [substitute(query.expr, values) for query in queries(options)]
    assert [expr for expr in asked if variables(expr)] == []


def test_what_has_no_address_is_not_linked_to(options: Options) -> None:
    linked, bare = json.dumps(build(options)), json.dumps(build(Options()))
    assert "airflow.example.com" in linked
    assert "airflow.example.com" not in bare
    assert "None/" not in bare


@pytest.mark.parametrize(
    ("expr", "filled"),
    [
        ("rate(x[$__rate_interval])", "rate(x[5m])"),
        ('x{a=~"$a"}[$__range:1m] / $__range_s', 'x{a=~"b.*"}[1h:1m] / 3600'),
        ("x=~`${a:regex}.*` and ${a}", r"x=~`b\.\*.*` and b.*"),
        ('label_replace(x, "a", "$1", "b", "(.*)$")', 'label_replace(x, "a", "$1", "b", "(.*)$")'),
    ],
)
def test_variables_are_filled_in_as_grafana_does(expr: str, filled: str) -> None:
    assert substitute(expr, {"a": "b.*"}) == filled


def test_a_variable_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"no value for \$dag_id in x"):
        substitute('x{dag_id=~"$dag_id"}', {})


@pytest.mark.parametrize(("currency", "unit"), [("EUR", "currencyEUR"), ("XTS", "currency:XTS ")])
def test_money_is_in_the_currency_of_the_options(currency: str, unit: str) -> None:
    cost = build(Options(currency=currency))["updraft-cost.json"]
    units = {
        panel["fieldConfig"]["defaults"]["unit"]
        for panel in cost["panels"]
        if panel["type"] != "row"
    }
    assert units == {unit}
