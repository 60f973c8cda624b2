"""Faults in, alerts out: promtool evaluates the shipped rules once a minute."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from monitoring import rules
from monitoring.options import Options

# Values of series, a minute each, as promtool spells them; None is a series that is not there.
Series = Mapping[str, str | None]
OPTIONS = Options(teams={"finance": "fin_.*", "growth": "(ads|crm)_.*"})
ALWAYS = "1x5000"
_RECORDED = re.compile(r"\b[a-z_]+:[a-z0-9_]+:[a-z0-9_]+")


def _up(job: str, **labels: str) -> str:
    written = "".join(f',{name}="{value}"' for name, value in labels.items())
    return f'up{{job="{job}",instance="{job}"{written}}}'


def beat(component: str) -> str:
    """Return the series of a component's age."""
    return of_exporter("updraft_component_heartbeat_age_seconds", component=component)


def of_exporter(name: str, **labels: str) -> str:
    """Return a series of airflow-exporter."""
    return _of(name, "airflow-exporter", labels)


def of_airflow(name: str, **labels: str) -> str:
    """Return a series of Airflow's StatsD."""
    return _of(f"airflow_{name}", "statsd-exporter", labels)


def of_state(name: str, **labels: str) -> str:
    """Return a series of kube-state-metrics."""
    return _of(name, "kube-state-metrics", labels)


def of_collector(name: str, **labels: str) -> str:
    """Return a series of the collector's own."""
    return _of(f"otelcol_{name}", "collector", {"instance": "node-1", **labels})


def _of(name: str, job: str, labels: Mapping[str, str]) -> str:
    written = "".join(f',{key}="{value}"' for key, value in labels.items())
    return f'{name}{{job="{job}"{written}}}'


def quota(kind: str, resource: str = "pods") -> str:
    """Return a series of the tasks' quota: used or hard."""
    return of_state(
        "kube_resourcequota",
        namespace="airflow-tasks",
        resourcequota="tasks",
        resource=resource,
        type=kind,
    )


# A platform on which nothing is wrong, beside each fault.
HEALTHY: Series = {
    **{
        _up(job): ALWAYS
        for job in (
            "airflow-exporter", "statsd-exporter", "kube-state-metrics", "prometheus",
            "alertmanager", "loki", "collector", "kubelet",
        )
    },
    of_exporter("updraft_database_up"): ALWAYS,
    of_exporter("updraft_api_server_up"): ALWAYS,
    beat("scheduler"): "5x5000",
    beat("dag_processor"): "5x5000",
    beat("triggerer"): "5x5000",
    of_airflow("scheduler_heartbeat"): "0+12x5000",
    quota("used"): "10x5000",
    quota("hard"): "100x5000",
    of_exporter("updraft_oldest_queued_seconds"): "2x5000",
    of_exporter("updraft_task_instances", state="scheduled"): "0x5000",
}  # fmt: skip


def minutes(normal: float, bad: float, long: int, begin: int = 10, after: int = 300) -> str:
    """Return a gauge that is bad for some minutes."""
    return f"{normal}x{begin - 1} {bad}x{long - 1} {normal}x{after}"


def born(begin: int, total: float, after: int = 600) -> str:
    """Return a counter whose first sample, at a minute, is all that it will ever count."""
    return f"_x{begin} {total}x{after}"


def growing(step: float, long: int, begin: int = 10, after: int = 600) -> str:
    """Return a counter that is born at a minute and grows for some more."""
    return f"_x{begin} {step}+{step}x{long - 1} {step * long}x{after}"


@dataclass(frozen=True)
class Case:
    """A fault that an alert is for, and what looks like it and is none.

    Args:
        alert: Its name.
        fault: Series in place of healthy ones.
        fires: A minute at which the alert fires.
        ends: A minute by which it does no more.
        beside: Series in place of the fault's: a near miss, on which it never fires.
        labels: Of the alert, but for severity, component and area.
        name: Which of an alert's cases.
    """

    alert: str
    fault: Series
    fires: int
    ends: int
    beside: Series
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def __str__(self) -> str:
        return f"{self.alert}-{self.name}".removesuffix("-")


def rule_of(alert: str, **labels: str) -> dict[str, Any]:
    """Return the shipped rule of an alert, the one with some labels where there are several."""
    found: list[dict[str, Any]] = [
        rule
        for group in rules.groups(OPTIONS)
        for rule in group["rules"]
        if rule.get("alert") == alert and labels.items() <= rule["labels"].items()
    ]
    assert len(found) == 1, f"{len(found)} rules of {alert}"
    return found[0]


def expected(case: Case) -> dict[str, str]:
    """Return the labels of a case's alert."""
    told = {name: value for name, value in case.labels.items() if name in {"slo", "long"}}
    shipped = rule_of(case.alert, **told)["labels"]
    plain = {name: text for name, text in shipped.items() if text and "{{" not in text}
    return {"alertname": case.alert, "alertstate": "firing", **plain, **case.labels}


def needed(name: str, only: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the groups with those rules alone that a rule needs; every rule for an empty name."""
    groups = rules.groups(OPTIONS)
    wanted = {name}
    read: set[str] = set()
    while wanted - read:
        read |= wanted
        wanted |= {
            found
            for group in groups
            for rule in group["rules"]
            if _is(rule, read, only)
            for found in _RECORDED.findall(rule["expr"])
        }
    kept = [
        {**group, "rules": [rule for rule in group["rules"] if _is(rule, read, only)]}
        for group in groups
    ]
    return [group for group in kept if group["rules"]]


def _is(rule: Mapping[str, Any], names: set[str], only: Mapping[str, str]) -> bool:
    labels = rule.get("labels", {})
    if any(labels.get(name, value) != value for name, value in only.items()):
        return False
    return rule.get("alert", rule.get("record")) in names or "" in names


@dataclass(frozen=True)
class Promtool:
    """The program, and a folder to write in."""

    program: Path
    folder: Path
    # Labels that rules must not have others of.
    only: Mapping[str, str] = field(default_factory=dict)

    def firing(
        self,
        alert: str,
        series: Series,
        asked: Sequence[tuple[str, int, Sequence[Mapping[str, str]]]],
    ) -> str:
        """Check which alerts fire.

        Args:
            alert: The one whose rules are evaluated; all where it is empty.
            series: What is there beside a healthy platform.
            asked: PromQL, the minute to ask it at, and the labels of each sample, whose value is 1.

        Returns:
            What was wrong, in promtool's words; empty when nothing was.
        """
        tests = [
            {
                "expr": query,
                "eval_time": f"{at}m",
                "exp_samples": [{"labels": _written(labels), "value": 1} for labels in samples],
            }
            for query, at, samples in asked
        ]
        whole = {**HEALTHY, **series}
        test = {
            "interval": "1m",
            "input_series": [
                {"series": name, "values": values} for name, values in whole.items() if values
            ],
            "promql_expr_test": tests,
        }
        return self.run(alert, [test])

    def run(self, alert: str, tests: Sequence[Mapping[str, Any]]) -> str:
        """Run tests in promtool's own form, and return what was wrong."""
        groups = needed(alert, self.only)
        assert groups
        (self.folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
        file = self.folder / "test.yaml"
        whole = {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": "1m",
            # Promtool evaluates them in any order else.
            "group_eval_order": [group["name"] for group in groups],
            "tests": list(tests),
        }
        file.write_text(yaml.safe_dump(whole))
        ran = subprocess.run(
            [self.program, "test", "rules", file], capture_output=True, text=True, check=False
        )
        return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def _written(labels: Mapping[str, str]) -> str:
    name = "ALERTS" if "alertstate" in labels else ""
    return name + "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def alerts(name: str, over: int = 0) -> str:
    """Return a query for an alert that fires, or that fired in the last minutes."""
    series = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
    return f"max_over_time({series}[{over}m])" if over else series
