"""A dashboard as Grafana's JSON, of the classic schema that every Grafana since 10 reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from string import ascii_uppercase
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import loki, prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitoring.dashboards import visuals
from monitoring.dashboards.model import Dashboard, Link, Panel, Source, Target, Variable

TAG: Final = "updraft"
WIDTH: Final = 24
# The variable of each kind of data source.
DATASOURCES: Final[dict[Source, str]] = {"prometheus": "datasource", "loki": "loki"}
_LABELS: Final[dict[Source, str]] = {"prometheus": "Metrics", "loki": "Logs"}


def render(dashboard: Dashboard) -> dict[str, Any]:
    """Return a dashboard's JSON.

    Its id and version are left to Grafana; its uid is the same for ever, so links to it last.
    """
    built = (
        build.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags([TAG])
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time(dashboard.time_from, "now")
        .timezone("browser")
        .refresh(dashboard.refresh)
        .variables(list(_variables(dashboard)))
        .links([_siblings()])
    )
    for part in _placed(dashboard):
        built = built.with_row(part) if isinstance(part, build.Row) else built.with_panel(part)
    rendered: dict[str, Any] = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    return rendered


def reference(source: Source) -> DataSourceRef:
    """Return what names a data source: the variable, since each Grafana has its own."""
    return DataSourceRef(type_val=source, uid=f"${{{DATASOURCES[source]}}}")


def _variables(dashboard: Dashboard) -> Iterator[Any]:
    for source in dashboard.sources:
        yield (
            build.DatasourceVariable(DATASOURCES[source])
            .label(_LABELS[source])
            .description(f"The {source.capitalize()} that watches the platform")
            .type(source)
            .multi(False)
        )
    for variable in dashboard.variables:
        yield _query(variable) if variable.query else _text(variable)


def _query(variable: Variable) -> build.QueryVariable:
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    return (
        build.QueryVariable(variable.name)
        .label(variable.label)
        .description(variable.description)
        .datasource(reference("prometheus"))
        .query({"query": variable.query, "refId": variable.name})
        .definition(variable.query or "")
        .current(everything)
        .multi(True)
        .include_all(True)
        .all_value(variable.default)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )


def _text(variable: Variable) -> build.TextBoxVariable:
    current = models.VariableOption(selected=True, text=variable.default, value=variable.default)
    return (
        build.TextBoxVariable(variable.name)
        .label(variable.label)
        .description(variable.description)
        .default_value(variable.default)
        .current(current)
    )


def _siblings() -> build.DashboardLink:
    return (
        build.DashboardLink("Updraft")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .tooltip("The other dashboards of the platform")
        .icon("external link")
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
        .target_blank(False)
    )


def _placed(dashboard: Dashboard) -> Iterator[Any]:
    """Rows and panels with their ids and places, laid out like words in a line."""
    top = number = 0
    for row in dashboard.rows:
        number += 1
        yield build.Row(row.title).id(number).grid_pos(models.GridPos(1, WIDTH, 0, top))
        top += 1
        left = height = 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                top, left, height = top + height, 0, 0
            number += 1
            yield (
                _panel(panel)
                .id(number)
                .grid_pos(models.GridPos(panel.height, panel.width, left, top))
            )
            left, height = left + panel.width, max(height, panel.height)
        top += height


def _panel(panel: Panel) -> Any:
    built = (
        visuals.visual(panel)
        .title(panel.title)
        .description(panel.description)
        .datasource(reference(panel.source))
        .targets(
            [
                _target(panel, target, letter)
                for target, letter in zip(panel.targets, ascii_uppercase, strict=False)
            ]
        )
    )
    return built.links([_link(link) for link in panel.links]) if panel.links else built


def _target(panel: Panel, target: Target, letter: str) -> Any:
    if panel.source == "loki":
        asked = loki.Dataquery().expr(target.expr).ref_id(letter).legend_format(target.legend)
        asked = asked.datasource(reference("loki")).editor_mode(visuals.LOKI_CODE)
        return asked.query_type("instant" if panel.instant else "range")
    query = prometheus.Dataquery().expr(target.expr).ref_id(letter).legend_format(target.legend)
    query = query.datasource(reference("prometheus")).editor_mode(visuals.PROMETHEUS_CODE)
    query = query.instant() if panel.instant else query.range()
    return query.format(_FORMATS.get(panel.kind, PromQueryFormat.TIME_SERIES))


_FORMATS: Final = {"table": PromQueryFormat.TABLE, "heatmap": PromQueryFormat.HEATMAP}


def _link(link: Link) -> build.DashboardLink:
    return (
        build.DashboardLink(link.title)
        .type(models.DashboardLinkType.LINK)
        .url(link.url)
        .target_blank(True)
    )
