"""The rules that a dashboard's JSON has to keep: Grafana's own linter's, and more of ours.

Rules of the former have its names (https://github.com/grafana/dashboard-linter). Where ours differ:
a target needs a job only where a series is not a recorded one, since a recording rule has chosen
it; job and instance are no variables, since the platform is one; and what is asked once for the
whole time range has $__range where the other has $__auto.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Faults = Iterator[str]
Rule = Callable[["Checked"], Faults]
RULES: dict[str, Rule] = {}


@dataclass(frozen=True)
class Checked:
    """A dashboard's JSON, and what it may refer to.

    Args:
        json: The dashboard.
        recorded: Names of recorded series.
        known: Names of series that the sources give.
        alerts: Names of alerts; empty where they are not known.
        runbooks: Address of the runbooks.
        siblings: Variables of every dashboard, by its uid.
    """

    json: dict[str, Any]
    recorded: frozenset[str]
    known: frozenset[str]
    alerts: frozenset[str]
    runbooks: str
    siblings: dict[str, set[str]] = field(default_factory=dict)

    @property
    def panels(self) -> list[dict[str, Any]]:
        """Panels that show something."""
        return [panel for panel in self.json["panels"] if panel["type"] != "row"]

    @property
    def variables(self) -> list[dict[str, Any]]:
        """The variables, data sources among them."""
        variables: list[dict[str, Any]] = self.json["templating"]["list"]
        return variables

    def targets(self, source: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Each query of a kind of data source, with where it is and its panel."""
        for panel in self.panels:
            for target in panel.get("targets", []):
                if target.get("datasource", {}).get("type") == source:
                    where = f"{panel.get('title')!r} {target.get('refId')}"
                    yield where, panel, target


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule by its name."""

    def register(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return register


def faults(checked: Checked, name: str) -> list[str]:
    """Return what a rule has against a dashboard."""
    return [f"{checked.json.get('uid')}: {fault}" for fault in RULES[name](checked)]
