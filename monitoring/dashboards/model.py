"""What a dashboard is made of, before it is Grafana's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Source = Literal["prometheus", "loki"]
Kind = Literal["stat", "timeseries", "table", "bargauge", "heatmap", "logs"]
# Lower bounds with their colours; below the first it is green.
Thresholds = Mapping[float, str] | Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Target:
    """A query of a panel.

    Args:
        expr: PromQL or LogQL, with Grafana's variables.
        legend: Template of the name of each series.
        only_on_failure: The fault that fills it; None where it is never empty on a busy platform.
    """

    expr: str
    legend: str = ""
    only_on_failure: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link on a panel or on a value of it, with Grafana's variables."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        key: The label, or "Value #A" for the first query's value and so on.
        title: What it is called.
        unit: Grafana's unit; None for words.
        thresholds: Its cell is coloured by these.
        link: Where a click on a cell goes.
    """

    key: str
    title: str
    unit: str | None = None
    thresholds: Thresholds = field(default_factory=dict)
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; the functions of `panels` make them."""

    kind: Kind
    title: str
    unit: str
    description: str
    targets: Sequence[Target]
    source: Source = "prometheus"
    width: int = 12
    height: int = 8
    # Asked once, for the whole range, and not for each of its points.
    instant: bool = False
    thresholds: Thresholds = field(default_factory=dict)
    colors: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[Column] = ()
    links: Sequence[Link] = ()
    value_links: Sequence[Link] = ()
    stacked: bool = False
    decimals: int | None = None
    largest: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, laid out from left to right."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard.

    Args:
        name: As queries have it after the $.
        label: What people see.
        description: What it is for.
        query: `label_values(…)`, asked of Prometheus; None for a text field.
        default: What it is at first; a choice of everything is ".*".
    """

    name: str
    label: str
    description: str
    query: str | None = None
    default: str = ".*"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard; `grafana.render` makes its JSON."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    time_from: str = "now-6h"
    refresh: str = "1m"

    @property
    def panels(self) -> list[Panel]:
        """Every panel, in the order of their ids."""
        return [panel for row in self.rows for panel in row.panels]

    @property
    def sources(self) -> list[Source]:
        """The kinds of data source that it asks."""
        used = {panel.source for panel in self.panels}
        if any(variable.query for variable in self.variables):
            used.add("prometheus")
        return sorted(used, reverse=True)
