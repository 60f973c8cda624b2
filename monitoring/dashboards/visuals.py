"""How each kind of panel looks in Grafana."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    logs,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.loki import QueryEditorMode as LokiEditor
from grafana_foundation_sdk.models.prometheus import QueryEditorMode as PrometheusEditor

from monitoring.dashboards.model import Column, Link, Panel, Thresholds

LOKI_CODE: Final = LokiEditor.CODE
PROMETHEUS_CODE: Final = PrometheusEditor.CODE


def visual(panel: Panel) -> Any:
    """Return the builder of a panel with its looks; its place and queries come after."""
    built = _KINDS[panel.kind](panel)
    if panel.kind == "logs":
        return built
    built = built.unit(panel.unit).thresholds(_thresholds(panel.thresholds))
    if panel.kind != "heatmap":
        built = built.no_value("none")
    if panel.decimals is not None:
        built = built.decimals(panel.decimals)
    if panel.largest is not None:
        built = built.max(panel.largest)
    for name, color in panel.colors.items():
        built = built.override_by_regexp(f"^{name}$", [_property("color", _fixed(color))])
    if panel.value_links:
        built = built.data_links([_data_link(link) for link in panel.value_links])
    return built


def _stat(panel: Panel) -> stat.Panel:
    mode = shared.BigValueColorMode.VALUE if panel.thresholds else shared.BigValueColorMode.NONE
    return (
        stat.Panel()
        .reduce_options(_newest())
        .color_mode(mode)
        .graph_mode(
            shared.BigValueGraphMode.NONE if panel.instant else shared.BigValueGraphMode.AREA
        )
        .text_mode(shared.BigValueTextMode.AUTO)
        .justify_mode(shared.BigValueJustifyMode.AUTO)
        .color_scheme(build.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    )


def _timeseries(panel: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .fill_opacity(25 if panel.stacked else 8)
        .line_width(1)
        .min(0)
        .show_points(shared.VisibilityMode.AUTO)
        .color_scheme(build.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
        .tooltip(
            common.VizTooltipOptions()
            .mode(shared.TooltipDisplayMode.MULTI)
            .sort(shared.SortOrder.DESCENDING)
        )
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(shared.LegendDisplayMode.TABLE)
            .placement(shared.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "mean", "max"])
        )
    )
    if panel.stacked:
        built = built.stacking(common.StackingConfig().mode(shared.StackingMode.NORMAL))
    if panel.thresholds:
        dashed = common.GraphThresholdsStyleConfig().mode(shared.GraphThresholdsStyleMode.DASHED)
        built = built.thresholds_style(dashed)
    return built


def _bars(panel: Panel) -> bargauge.Panel:
    scheme = (
        models.FieldColorModeId.THRESHOLDS
        if panel.thresholds
        else models.FieldColorModeId.PALETTE_CLASSIC
    )
    return (
        bargauge.Panel()
        .reduce_options(_newest())
        .orientation(shared.VizOrientation.HORIZONTAL)
        .display_mode(shared.BarGaugeDisplayMode.BASIC)
        .show_unfilled(True)
        .min(0)
        .color_scheme(build.FieldColor().mode(scheme))
    )


def _heatmap(panel: Panel) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .calculate(False)
        .cell_gap(1)
        .color(heatmap.HeatmapColorOptions().scheme("Oranges").steps(32).fill("dark-orange"))
        .y_axis(heatmap.YAxisConfig().unit(panel.unit))
        .show_legend()
    )


def _table(panel: Panel) -> table.Panel:
    names = {column.key: column.title for column in panel.columns}
    order = {column.key: place for place, column in enumerate(panel.columns)}
    built = (
        table.Panel()
        .with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            models.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "renameByName": names,
                    "indexByName": order,
                },
            )
        )
        .filterable(True)
        .color_scheme(build.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    )
    if values := [column.title for column in panel.columns if column.unit]:
        largest = common.TableSortByFieldState().display_name(values[0]).desc(True)
        built = built.sort_by([largest])
    for column in panel.columns:
        built = built.override_by_name(column.title, _column(column))
    return built


def _logs(_: Panel) -> logs.Panel:
    return (
        logs.Panel()
        .show_time(True)
        .show_labels(False)
        .wrap_log_message(True)
        .enable_log_details(True)
        .prettify_log_message(False)
        .dedup_strategy(shared.LogsDedupStrategy.NONE)
        .sort_order(shared.LogsSortOrder.DESCENDING)
    )


_KINDS: Final[dict[str, Callable[[Panel], Any]]] = {
    "stat": _stat,
    "timeseries": _timeseries,
    "bargauge": _bars,
    "heatmap": _heatmap,
    "table": _table,
    "logs": _logs,
}


def _column(column: Column) -> list[models.DynamicConfigValue]:
    properties = [_property("unit", column.unit or "string")]
    if column.thresholds:
        properties += [
            _property("thresholds", _thresholds(column.thresholds).build()),
            _property("custom.cellOptions", {"type": "color-text"}),
        ]
    if column.link:
        properties.append(_property("links", [_data_link(column.link).build()]))
    return properties


def _property(name: str, value: object) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(id_val=name, value=value)


def _fixed(color: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": color}


def _thresholds(steps: Thresholds) -> build.ThresholdsConfig:
    bounds = [models.Threshold(value=None, color="green")]
    bounds += [models.Threshold(value=bound, color=color) for bound, color in steps.items()]
    return build.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(bounds)


def _data_link(link: Link) -> build.DashboardLink:
    return build.DashboardLink(link.title).url(link.url).target_blank(False)


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
