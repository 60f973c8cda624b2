"""Rules of whole dashboards, their variables and their links."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from monitoring.dashboards.grafana import DATASOURCES, TAG
from monitoring.dashboards.substitute import variables
from tests.monitoring.dashboards.lint import Checked, Faults, rule
from tests.monitoring.dashboards.queries import selectors

# What Grafana wants of the classic schema, with its type.
_SCHEMA: dict[str, type] = {
    "uid": str,
    "title": str,
    "description": str,
    "tags": list,
    "editable": bool,
    "schemaVersion": int,
    "time": dict,
    "refresh": str,
    "templating": dict,
    "panels": list,
    "links": list,
    "timezone": str,
}
# Grafana 10's; an older one migrates each panel when it is shown.
_OLDEST_SCHEMA = 38
_LONGEST_UID = 40


@rule("dashboard-schema")
def schema(checked: Checked) -> Faults:
    for name, type_ in _SCHEMA.items():
        if not isinstance(checked.json.get(name), type_):
            yield f"{name} is {checked.json.get(name)!r} and not a {type_.__name__}"
    if checked.json.get("schemaVersion", 0) < _OLDEST_SCHEMA:
        yield f"schema {checked.json.get('schemaVersion')} is not of Grafana 10 or newer"
    if checked.json.get("id") is not None:
        yield "its id is for Grafana to give"
    if not re.fullmatch(rf"updraft-[a-z]{{1,{_LONGEST_UID - 8}}}", str(checked.json.get("uid"))):
        yield "its uid is not one that links can have for ever"


@rule("uneditable-dashboard-rule")
def uneditable(checked: Checked) -> Faults:
    if checked.json.get("editable") is not False:
        yield "it could be edited in Grafana, and the next delivery would undo that"


@rule("dashboard-tag")
def tag(checked: Checked) -> Faults:
    if checked.json.get("tags") != [TAG]:
        yield f"its tags are {checked.json.get('tags')}"


@rule("template-datasource-rule")
def datasources(checked: Checked) -> Faults:
    asked = {panel["datasource"]["type"] for panel in checked.panels}
    asked |= {each["datasource"]["type"] for each in checked.variables if "datasource" in each}
    given = {each["name"]: each for each in checked.variables if each["type"] == "datasource"}
    for source, name in DATASOURCES.items():
        if source in asked and given.get(name, {}).get("query") != source:
            yield f"no variable ${name} chooses a {source}"
    for name in given.keys() - {DATASOURCES[each] for each in DATASOURCES if each in asked}:
        yield f"nothing asks ${name}"


@rule("template-label-promql-rule")
def label_values(checked: Checked) -> Faults:
    for each in _queried(checked):
        query = each["query"]["query"] if isinstance(each["query"], dict) else each["query"]
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        try:
            names = {str(part.of.name) for part in selectors(found[1])} if found else set()
        except ValueError as error:
            yield f"${each['name']}: {error}"
            continue
        if not names or names - checked.recorded - checked.known:
            yield f"${each['name']}: {query} gives no values"


@rule("template-on-time-change-reload-rule")
def reload(checked: Checked) -> Faults:
    for each in _queried(checked):
        if each.get("refresh") != 2:
            yield f"${each['name']} keeps its values when the time range changes"


@rule("template-all-value")
def everything(checked: Checked) -> Faults:
    for each in _queried(checked):
        if not (each.get("includeAll") and each.get("multi") and each.get("allValue") == ".*"):
            yield f"${each['name']} can't be everything"


@rule("template-words")
def words(checked: Checked) -> Faults:
    for each in checked.variables:
        if not each.get("label") or not each.get("description"):
            yield f"${each['name']} is not explained"


@rule("template-is-used")
def used(checked: Checked) -> Faults:
    own = {each["name"] for each in checked.variables}
    text = json.dumps([checked.json["panels"], [each.get("query") for each in checked.variables]])
    for name in sorted(own - variables(text)):
        if name not in DATASOURCES.values():
            yield f"${name} changes nothing"


def _queried(checked: Checked) -> Iterator[dict[str, Any]]:
    return (each for each in checked.variables if each["type"] == "query")


@rule("link-siblings")
def siblings(checked: Checked) -> Faults:
    found = [each for each in checked.json.get("links", []) if each.get("type") == "dashboards"]
    wanted = {"tags": [TAG], "keepTime": True, "includeVars": True, "asDropdown": True}
    if not any(wanted.items() <= each.items() for each in found):
        yield "no link leads to the other dashboards with the time range and the choices"


@rule("link-targets")
def links(checked: Checked) -> Faults:
    for where, url in _links(checked):
        found = re.fullmatch(r"/d/([\w-]+)\?(.*)", url)
        if not found:
            if not url.startswith(("https://", "http://")):
                yield f"{where}: {url} leads nowhere"
            continue
        uid, query = found.groups()
        chosen = set(re.findall(r"var-(\w+)=", query))
        if uid not in checked.siblings:
            yield f"{where}: there is no dashboard {uid}"
        elif chosen - checked.siblings[uid]:
            yield f"{where}: {uid} has no variable {sorted(chosen - checked.siblings[uid])}"
        if not query.endswith("${__url_time_range}"):
            yield f"{where}: the time range is lost"


@rule("link-runbooks")
def runbooks(checked: Checked) -> Faults:
    for where, url in _links(checked):
        if not url.startswith(checked.runbooks):
            continue
        name = url.removeprefix(f"{checked.runbooks}/").removesuffix(".md")
        if name not in checked.alerts:
            yield f"{where}: no alert {name} has a runbook"


def _links(checked: Checked) -> Iterator[tuple[str, str]]:
    for panel in checked.panels:
        config = panel.get("fieldConfig", {})
        given = [*panel.get("links", []), *config.get("defaults", {}).get("links", [])]
        for override in config.get("overrides", []):
            for each in override["properties"]:
                given += each["value"] if each["id"] == "links" else []
        yield from ((repr(panel["title"]), each["url"]) for each in given)
