"""Rules of panels."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

from grafana_foundation_sdk.models import units

from monitoring.dashboards.grafana import DATASOURCES, WIDTH
from tests.monitoring.dashboards.lint import Checked, Faults, rule

_UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and name[0] != "_"}
_KINDS = {"stat", "timeseries", "table", "bargauge", "heatmap", "logs"}


@rule("panel-title-description-rule")
def words(checked: Checked) -> Faults:
    for panel in checked.panels:
        for name in ("title", "description"):
            if not panel.get(name, "").strip():
                yield f"panel {panel.get('id')} ({panel.get('title')!r}) has no {name}"


@rule("panel-units-rule")
def unit(checked: Checked) -> Faults:
    for panel in checked.panels:
        if panel["type"] == "logs":
            continue
        config = panel.get("fieldConfig", {})
        given = [config.get("defaults", {}).get("unit")]
        for override in config.get("overrides", []):
            given += [each["value"] for each in override["properties"] if each["id"] == "unit"]
        for each in given:
            if each not in _UNITS and not str(each).startswith("currency:"):
                yield f"{panel['title']!r}: Grafana has no unit {each!r}"


@rule("panel-datasource-rule")
def datasource(checked: Checked) -> Faults:
    names = {variable["name"] for variable in checked.variables if variable["type"] == "datasource"}
    for panel in checked.panels:
        for each in [panel, *panel.get("targets", [])]:
            given = each.get("datasource") or {}
            name = next(
                (DATASOURCES[each] for each in DATASOURCES if each == given.get("type")), ""
            )
            if given.get("uid") != f"${{{name}}}" or name not in names:
                yield f"{panel['title']!r}: {given} is no variable of the dashboard"


@rule("panel-no-targets-rule")
def asks(checked: Checked) -> Faults:
    for panel in checked.panels:
        if not [target for target in panel.get("targets", []) if target.get("expr", "").strip()]:
            yield f"{panel['title']!r} asks nothing"


@rule("panel-kind")
def kind(checked: Checked) -> Faults:
    for panel in checked.panels:
        if panel["type"] not in _KINDS:
            yield f"{panel['title']!r}: a panel of type {panel['type']!r} is not used here"


@rule("panel-thresholds")
def thresholds(checked: Checked) -> Faults:
    for panel in checked.panels:
        if panel["type"] == "logs":
            continue
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        bounds = [step["value"] for step in steps[1:]]
        if not steps or steps[0]["value"] is not None or bounds != sorted(bounds):
            yield f"{panel['title']!r}: thresholds go from none upwards, not {steps}"


@rule("panel-ids-are-unique")
def ids(checked: Checked) -> Faults:
    given = [panel.get("id") for panel in checked.json["panels"]]
    if len(set(given)) != len(given) or not all(isinstance(each, int) for each in given):
        yield f"ids are {given}"


@rule("panel-titles-are-unique")
def titles(checked: Checked) -> Faults:
    given = [panel["title"] for panel in checked.panels]
    for each in sorted({title for title in given if given.count(title) > 1}):
        yield f"{each!r} is the title of two panels"


@rule("panel-grid")
def grid(checked: Checked) -> Faults:
    panels = checked.json["panels"]
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > WIDTH or min(place["x"], place["y"]) < 0 or place["h"] < 1:
            yield f"{panel['title']!r} is out of the grid: {place}"
    for one, other in combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']!r} and {other['title']!r} lie upon each other"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


@rule("panel-table-columns")
def columns(checked: Checked) -> Faults:
    for panel in checked.panels:
        if panel["type"] != "table":
            continue
        organize = [each for each in panel["transformations"] if each["id"] == "organize"]
        named = organize[0]["options"]["renameByName"] if organize else {}
        values = [f"Value #{target['refId']}" for target in panel["targets"]]
        # With one query, Prometheus' value is called Value and Loki's as any other.
        if len(values) == 1 and panel["datasource"]["type"] == "prometheus":
            values = ["Value"]
        yield from (
            f"{panel['title']!r}: the value {each} has no column"
            for each in values
            if each not in named and not _is_one(panel)
        )


def _is_one(panel: dict[str, Any]) -> bool:
    """Whether the value says nothing: what is counted is there, or is not."""
    return bool(re.match(r"max by \(.*\) \(\w+_info", panel["targets"][0]["expr"]))
