"""Panels by kind: each wants a title, a unit and a description; the rest has good defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict, Unpack, cast

from monitoring.dashboards.model import Column, Kind, Link, Panel, Source, Target, Thresholds

# A query is one series or many; a mapping's values are queries and its keys their names.
Queries = str | Mapping[str, str]


class Looks(TypedDict, total=False):
    """What a panel can have beside what it must have; see `model.Panel`."""

    source: Source
    width: int
    height: int
    instant: bool
    thresholds: Thresholds
    colors: Mapping[str, str]
    links: Sequence[Link]
    value_links: Sequence[Link]
    stacked: bool
    decimals: int
    largest: float


class Extras(Looks, total=False):
    """The same, and which faults fill the queries: all of them, and single ones by their names."""

    only_on_failure: str
    faults: Mapping[str, str]


def stat(
    title: str, unit: str, description: str, queries: Queries, **extras: Unpack[Extras]
) -> Panel:
    """Return a number, the newest one, or one for each series."""
    return _panel("stat", title, unit, description, queries, {"width": 4, "height": 4, **extras})


def timeseries(
    title: str, unit: str, description: str, queries: Queries, **extras: Unpack[Extras]
) -> Panel:
    """Return lines over time."""
    return _panel("timeseries", title, unit, description, queries, extras)


def bars(
    title: str, unit: str, description: str, queries: Queries, **extras: Unpack[Extras]
) -> Panel:
    """Return a bar for each series, by its newest value."""
    return _panel("bargauge", title, unit, description, queries, {"instant": True, **extras})


def heatmap(
    title: str, unit: str, description: str, queries: Queries, **extras: Unpack[Extras]
) -> Panel:
    """Return how a histogram's buckets fill over time; the queries are sums by le."""
    return _panel("heatmap", title, unit, description, queries, extras)


def table(
    title: str,
    unit: str,
    description: str,
    queries: Queries,
    columns: Sequence[Column],
    **extras: Unpack[Extras],
) -> Panel:
    """Return a row for each set of labels; values of several queries are put side by side."""
    wide: Extras = {"width": 24, "instant": True, **extras}
    panel = _panel("table", title, unit, description, queries, wide)
    return replace(panel, columns=columns)


def logs(title: str, description: str, queries: Queries, **extras: Unpack[Extras]) -> Panel:
    """Return lines of logs; their unit is "short", since they have none."""
    wide: Extras = {"width": 24, "height": 12, "source": "loki", **extras}
    return _panel("logs", title, "short", description, queries, wide)


def _panel(  # noqa: PLR0913, PLR0917 -- what a panel must have
    kind: Kind, title: str, unit: str, description: str, queries: Queries, extras: Extras
) -> Panel:
    fault, faults = extras.pop("only_on_failure", None), extras.pop("faults", {})
    targets = [
        replace(each, only_on_failure=faults.get(each.legend, fault)) for each in of(queries)
    ]
    return Panel(kind, title, unit, description, targets, **cast("Looks", extras))


def of(queries: Queries) -> list[Target]:
    """Return queries as targets."""
    if isinstance(queries, str):
        return [Target(queries)]
    return [Target(expr, legend) for legend, expr in queries.items()]
