"""A fault for each rule of the linter, put into a dashboard that has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Spoil = Callable[[Json], object]


def shown(dashboard: Json, kind: str) -> Json:
    """Return the first panel of a type."""
    return next(panel for panel in dashboard["panels"] if panel["type"] == kind)


def variable(dashboard: Json, kind: str) -> Json:
    """Return the first variable of a type."""
    return next(each for each in dashboard["templating"]["list"] if each["type"] == kind)


def asks(expr: str, kind: str = "timeseries") -> Spoil:
    """Return what makes a panel ask something else."""

    def spoil(dashboard: Json) -> None:
        shown(dashboard, kind)["targets"][0]["expr"] = expr

    return spoil


def panel(kind: str = "timeseries", **fields: object) -> Spoil:
    """Return what changes fields of a panel."""
    return lambda dashboard: shown(dashboard, kind).update(fields)


def defaults(**fields: object) -> Spoil:
    """Return what changes the defaults of a panel's fields."""
    return lambda dashboard: shown(dashboard, "timeseries")["fieldConfig"]["defaults"].update(
        fields
    )


def top(**fields: object) -> Spoil:
    """Return what changes fields of the dashboard."""
    return lambda dashboard: dashboard.update(fields)


def chosen(**fields: object) -> Spoil:
    """Return what changes a variable that is asked of Prometheus."""
    return lambda dashboard: variable(dashboard, "query").update(fields)


def linked(url: str) -> Spoil:
    """Return what gives a panel a link."""
    return panel(links=[{"title": "x", "type": "link", "url": url}])


def without(kind: str) -> Spoil:
    """Return what takes a variable away."""

    def spoil(dashboard: Json) -> None:
        dashboard["templating"]["list"].remove(variable(dashboard, kind))

    return spoil


def twice(kind: str = "timeseries") -> Spoil:
    """Return what shows a panel a second time, upon itself."""
    return lambda dashboard: dashboard["panels"].append(shown(dashboard, kind))


def out_of_the_grid(dashboard: Json) -> None:
    """Move a panel over the right edge."""
    shown(dashboard, "timeseries")["gridPos"]["x"] = 20


def two_queries_of_a_name(dashboard: Json) -> None:
    """Call two queries the same."""
    targets = shown(dashboard, "timeseries")["targets"]
    targets.append(targets[0])


def unused(dashboard: Json) -> None:
    """Add a variable that nothing uses."""
    dashboard["templating"]["list"].append({**variable(dashboard, "query"), "name": "unused"})


def also_loki(dashboard: Json) -> None:
    """Add a data source that nothing asks."""
    extra = {**variable(dashboard, "datasource"), "name": "loki", "query": "loki"}
    dashboard["templating"]["list"].append(extra)


def column_without_a_name(dashboard: Json) -> None:
    """Take the columns' names away."""
    shown(dashboard, "table")["transformations"].clear()


_BUCKETS = "updraft:task_start_seconds_bucket:rate5m"
_HERE = "/d/updraft-dags?var-dag_id=a&${__url_time_range}"

# By rule: the uid of a dashboard, and what spoils it.
BAD: dict[str, list[tuple[str, Spoil]]] = {
    "target-promql-rule": [("updraft-dags", asks("sum by (dag_id (x)"))],
    "target-rate-interval-rule": [
        ("updraft-dags", asks('rate(updraft_database_up{job="a"}[5m])')),
        ("updraft-dags", asks('max_over_time(updraft_database_up{job="a"}[$__rate_interval])')),
    ],
    "target-counter-agg-rule": [
        ("updraft-dags", asks('updraft_database_deadlocks_total{job="a"}')),
        ("updraft-dags", asks('sum(updraft_database_deadlocks_total{job="a"})')),
    ],
    "target-histogram-rule": [("updraft-dags", asks(f"sum by (le) ({_BUCKETS})"))],
    "target-job-rule": [("updraft-dags", asks('updraft_database_up{instance="a"}'))],
    "target-known-metric": [
        ("updraft-dags", asks('updraft_database_down{job="a"}')),
        ("updraft-dags", asks("updraft_dag:tasks_ended:rate5m")),
    ],
    "target-hides-statsd": [("updraft-dags", asks('airflow_ti_finish{job="a"}'))],
    "target-logql-rule": [
        ("updraft-logs", asks("sum(rate({} [$__auto]))")),
        ("updraft-logs", asks('sum(rate({a=~""} [$__auto]))')),
    ],
    "target-logql-auto-rule": [("updraft-logs", asks('sum(rate({a="b"} [5m]))'))],
    "target-variables-are-defined": [("updraft-dags", asks('x{dag_id=~"$dag"}'))],
    "target-legend": [
        (
            "updraft-dags",
            lambda dashboard: shown(dashboard, "timeseries")["targets"][0].update(legendFormat=""),
        )
    ],
    "target-ref-id": [("updraft-dags", two_queries_of_a_name)],
    "panel-title-description-rule": [
        ("updraft-dags", panel(title="")),
        ("updraft-dags", panel(description=" ")),
    ],
    "panel-units-rule": [
        ("updraft-dags", defaults(unit="cores")),
        ("updraft-dags", defaults(unit=None)),
    ],
    "panel-datasource-rule": [
        ("updraft-dags", panel(datasource={"type": "prometheus", "uid": "a1b2c3"})),
        ("updraft-dags", panel(datasource={"type": "loki", "uid": "${loki}"})),
        ("updraft-dags", panel(datasource=None)),
    ],
    "panel-no-targets-rule": [("updraft-dags", panel(targets=[]))],
    "panel-kind": [("updraft-dags", panel(type="graph"))],
    "panel-thresholds": [
        ("updraft-dags", defaults(thresholds={"steps": []})),
        (
            "updraft-dags",
            defaults(thresholds={"steps": [{"value": None}, {"value": 2}, {"value": 1}]}),
        ),
    ],
    "panel-ids-are-unique": [("updraft-dags", twice()), ("updraft-dags", panel(id=None))],
    "panel-titles-are-unique": [("updraft-dags", twice())],
    "panel-grid": [("updraft-dags", twice()), ("updraft-dags", out_of_the_grid)],
    "panel-table-columns": [("updraft-dags", column_without_a_name)],
    "dashboard-schema": [
        ("updraft-dags", top(schemaVersion=16)),
        ("updraft-dags", top(refresh=None)),
        ("updraft-dags", top(id=7)),
        ("updraft-dags", top(uid="d8a9f")),
    ],
    "uneditable-dashboard-rule": [("updraft-dags", top(editable=True))],
    "dashboard-tag": [("updraft-dags", top(tags=[]))],
    "template-datasource-rule": [
        ("updraft-dags", without("datasource")),
        ("updraft-database", also_loki),
    ],
    "template-label-promql-rule": [
        ("updraft-dags", chosen(query="label_values(nobody_gives_this, dag_id)")),
        ("updraft-dags", chosen(query="label_values(sum(, dag_id)")),
        ("updraft-dags", chosen(query="dag_id")),
    ],
    "template-on-time-change-reload-rule": [("updraft-dags", chosen(refresh=1))],
    "template-all-value": [("updraft-dags", chosen(includeAll=False))],
    "template-words": [("updraft-dags", chosen(description=""))],
    "template-is-used": [("updraft-dags", unused)],
    "link-siblings": [("updraft-dags", top(links=[]))],
    "link-targets": [
        ("updraft-dags", linked("/d/updraft-nothing?${__url_time_range}")),
        ("updraft-dags", linked(_HERE.replace("dag_id", "dag"))),
        ("updraft-dags", linked("/d/updraft-dags?var-dag_id=a")),
        ("updraft-dags", linked("runbooks/Watchdog.md")),
    ],
    "link-runbooks": [
        ("updraft-dags", linked("http://localhost:8080/platform/runbooks/NoSuchAlert.md"))
    ],
}
