"""Recorded names say what they are, and each is there before it is read."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import promql_parser
import pytest

from monitoring.options import Options
from monitoring.rules import recording
from monitoring.rules.model import Record
from tests.monitoring.metrics.promql import uses
from tests.monitoring.recording.unit import Evaluate

OPTIONS = Options(teams={"data": "etl.*"})
GROUPS = recording.groups(OPTIONS)
RULES = [rule for group in GROUPS for rule in group.rules if isinstance(rule, Record)]
NAME = re.compile(r"(updraft(?:_[a-z]+)?):([a-z][a-z0-9_]*):([a-z]+\w*)")


def test_every_name_is_level_metric_operation() -> None:
    parts = {rule.name: NAME.fullmatch(rule.name) for rule in RULES}
    assert len(parts) > 80
    assert [name for name, found in parts.items() if not found] == []
    assert {found[1] for found in parts.values() if found} == set(recording.LEVELS)


def test_every_series_is_recorded_once() -> None:
    counted = Counter((rule.name, *sorted(rule.labels.items())) for rule in RULES)
    assert [series for series, times in counted.items() if times > 1] == []
    assert len(counted) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_series_has_the_labels_of_its_level(rule: Record) -> None:
    labels = recording.LEVELS[rule.name.partition(":")[0]]
    expr = promql_parser.parse(rule.expr).prettify()
    missing = [label for label in labels if not re.search(rf"\b{label}\b", expr + rule.name)]
    # Rules that only pass on what others record have their labels from these.
    passed_on = re.search(rf"\b{rule.name.partition(':')[0]}:", expr)
    assert not missing or passed_on, f"{rule.name} lacks {missing}: {expr}"


def test_what_a_rule_reads_is_recorded_before_it_or_in_another_group() -> None:
    everything = {rule.name for rule in RULES}
    too_early = []
    for group in GROUPS:
        mine = [rule.name for rule in group.rules if isinstance(rule, Record)]
        for place, rule in enumerate(group.rules):
            for name, _ in uses(rule.expr):
                assert ":" not in name or name in everything, f"{name} is recorded nowhere"
                # What it was before is there.
                if name in mine and name not in (rule.name, *mine[:place]):
                    too_early.append((rule.name, name))
    assert too_early == []


def test_prometheus_accepts_the_rules(evaluate: Evaluate, tool: Callable[[str], Path]) -> None:
    rules = evaluate(OPTIONS).file()
    ran = subprocess.run(
        [tool("promtool"), "check", "rules", "--lint-fatal", rules],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "rules found" in ran.stdout
