"""Rules of queries."""

from __future__ import annotations

import re

import promql_parser as promql

from monitoring.dashboards.grafana import DATASOURCES
from monitoring.dashboards.substitute import DEFAULTS, variables
from tests.monitoring.dashboards.lint import Checked, Faults, rule
from tests.monitoring.dashboards.queries import (
    RATE_INTERVAL,
    calls,
    matched,
    parts,
    ranges,
    selectors,
)

_RATES = {"rate", "irate", "increase"}
# Prometheus' own.
_WITHOUT_JOB = {"ALERTS"}


@rule("target-promql-rule")
def parses(checked: Checked) -> Faults:
    for where, _, target in checked.targets("prometheus"):
        try:
            parts(target["expr"])
        except ValueError as error:
            yield f"{where}: {error}"


@rule("target-rate-interval-rule")
def rate_interval(checked: Checked) -> Faults:
    for where, _, target in checked.targets("prometheus"):
        for part in parts(target["expr"]):
            if not isinstance(part.of, promql.MatrixSelector):
                continue
            rated = bool(calls(part)) and calls(part)[-1] in _RATES
            if rated != (part.of.range == RATE_INTERVAL):
                yield f"{where}: $__rate_interval is for rates, and they have no other"


@rule("target-counter-agg-rule")
def counter(checked: Checked) -> Faults:
    for where, _, target in checked.targets("prometheus"):
        for found in selectors(target["expr"]):
            if str(found.of.name).endswith("_total") and not _RATES & set(calls(found)):
                yield f"{where}: the counter {found.of.name} is no rate"


@rule("target-histogram-rule")
def histogram(checked: Checked) -> Faults:
    for where, panel, target in checked.targets("prometheus"):
        for found in selectors(target["expr"]):
            used = panel["type"] == "heatmap" or "histogram_quantile" in calls(found)
            if "_bucket" in str(found.of.name) and not used:
                yield f"{where}: buckets of {found.of.name} are neither heatmap nor quantile"


@rule("target-job-rule")
def job(checked: Checked) -> Faults:
    for where, _, target in checked.targets("prometheus"):
        for found in selectors(target["expr"]):
            name = str(found.of.name)
            if ":" not in name and name not in _WITHOUT_JOB and "job" not in matched(found):
                yield f"{where}: {name} can be anybody's without a job"


@rule("target-known-metric")
def known(checked: Checked) -> Faults:
    for where, _, target in checked.targets("prometheus"):
        for found in selectors(target["expr"]):
            name = str(found.of.name)
            if name not in (checked.recorded if ":" in name else checked.known):
                yield f"{where}: nobody gives {name}"


@rule("target-hides-statsd")
def source(checked: Checked) -> Faults:
    for where, _, target in checked.targets("prometheus"):
        for found in selectors(target["expr"]):
            if str(found.of.name).startswith("airflow_"):
                yield f"{where}: {found.of.name} is StatsD's; ask what is recorded of it"


@rule("target-logql-rule")
def logql(checked: Checked) -> Faults:
    for where, _, target in checked.targets("loki"):
        found = re.search(r"\{([^}]*)\}", target["expr"])
        if not found or not re.search(r'=~?"[^"]', found[1]):
            yield f"{where}: no stream is chosen"


@rule("target-logql-auto-rule")
def logql_auto(checked: Checked) -> Faults:
    for where, _, target in checked.targets("loki"):
        expected = "$__range" if target.get("queryType") == "instant" else "$__auto"
        for found in ranges(target["expr"]):
            if found != expected:
                yield f"{where}: [{found}] should be [{expected}]"


@rule("target-variables-are-defined")
def defined(checked: Checked) -> Faults:
    names = {variable["name"] for variable in checked.variables} | set(DEFAULTS)
    for source in DATASOURCES:
        for where, _, target in checked.targets(source):
            for name in sorted(variables(target["expr"]) - names):
                yield f"{where}: ${name} is defined nowhere"


@rule("target-legend")
def legend(checked: Checked) -> Faults:
    for where, panel, target in checked.targets("prometheus"):
        if panel["type"] in {"timeseries", "bargauge", "heatmap"} and not target["legendFormat"]:
            yield f"{where}: its series have no name"


@rule("target-ref-id")
def ref_id(checked: Checked) -> Faults:
    for panel in checked.panels:
        letters = [target.get("refId") for target in panel["targets"]]
        if len(set(letters)) != len(letters) or not all(letters):
            yield f"{panel['title']!r}: queries are called {letters}"
