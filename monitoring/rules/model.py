"""What rules are made of, and how they become a file of Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from monitoring.options import Options

# page wakes somebody, ticket waits for the morning; none is Watchdog's, which nobody acts on.
Severity = Literal["page", "ticket", "none"]

# The label team of what no team's expression matches.
NO_TEAM: Final = "unassigned"
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:\d+[dhms])+")


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule.

    Args:
        name: What it records as, `level:metric:operations`.
        expr: PromQL.
        labels: Added to the series.
    """

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def rule(self, _: Options) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        rule: dict[str, Any] = {"record": self.name, "expr": self.expr}
        return rule | ({"labels": dict(self.labels)} if self.labels else {})


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule.

    Args:
        name: CamelCase; its runbook is docs/runbooks/<name>.md.
        expr: PromQL; a series of it is an alert.
        for_: How long it has to be so, before time_scale; "0s" is at once.
        severity: Who is told, and when.
        component: What part of the platform is at fault.
        summary: One line with the value.
        description: What is wrong where, and the next step.
        labels: Added to the alert.
        by_dag: Whether its series have a label dag_id, so that it gets its DAG's team.
    """

    name: str
    expr: str
    for_: str
    severity: Severity
    component: str
    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=dict)
    by_dag: bool = False

    def rule(self, options: Options) -> dict[str, Any]:
        """Return the rule as Prometheus reads it, its `for` scaled."""
        labels = {"severity": self.severity, "component": self.component, **self.labels}
        if self.by_dag and options.teams:
            labels["team"] = _team(options.teams)
        waits = {} if seconds(self.for_) == 0 else {"for": scaled(self.for_, options)}
        return {
            "alert": self.name,
            "expr": self.expr,
            **waits,
            "labels": labels,
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{options.runbooks}/{self.name}.md",
            },
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that Prometheus evaluates one after another.

    Args:
        name: Unique among all groups.
        rules: In the order to evaluate them in.
        interval: How often, before time_scale; Prometheus' own interval when None.
    """

    name: str
    rules: Sequence[Record | Alert]
    interval: str | None = None

    def group(self, options: Options) -> dict[str, Any]:
        """Return the group as Prometheus reads it."""
        interval = {"interval": window(self.interval, options, scrapes=1)} if self.interval else {}
        return {"name": self.name, **interval, "rules": [rule.rule(options) for rule in self.rules]}


def seconds(duration: str) -> int:
    """Return a duration such as 1h30m in seconds.

    Raises:
        ValueError: It is none, or has units below a second.
    """
    if not _DURATION.fullmatch(duration):
        raise ValueError(f'"{duration}" is not a duration such as 1h30m')
    parts = re.findall(r"(\d+)([dhms])", duration)
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def spelled(duration: int) -> str:
    """Return seconds in the largest unit that divides them, such as 90m."""
    unit = next(unit for unit, size in _UNITS.items() if duration % size == 0)
    return f"{duration // _UNITS[unit]}{unit}"


def scaled(duration: str, options: Options) -> str:
    """Return a duration times time_scale, in whole seconds, at least one."""
    return spelled(max(1, round(seconds(duration) * options.time_scale)))


def window(duration: str, options: Options, *, scrapes: int = 2) -> str:
    """Return a range's duration times time_scale, in whole seconds.

    Args:
        duration: Before it is scaled.
        options: Of the platform.
        scrapes: The least, in scrape intervals: a rate takes two samples.
    """
    least = scrapes * seconds(options.scrape_interval)
    return spelled(max(least, seconds(scaled(duration, options))))


def _team(teams: Mapping[str, str]) -> str:
    """Return the template of the label: the first team whose DAGs match.

    A template rather than alert relabelling, which a PrometheusRule of the operator can't bring;
    and never empty, for then the series ALERTS would show the template.
    """
    branches = [
        f"match {json.dumps(f'^(?:{expression})$', ensure_ascii=False)} $labels.dag_id }}}}{team}"
        for team, expression in teams.items()
    ]
    return "{{ if " + "{{ else if ".join(branches) + f"{{{{ else }}}}{NO_TEAM}{{{{ end }}}}"
