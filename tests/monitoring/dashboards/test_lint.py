"""No dashboard breaks a rule, and each rule finds the faults that it is for."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from tests.monitoring.dashboards import lint_dashboards, lint_panels, lint_targets
from tests.monitoring.dashboards.bad import BAD, Spoil
from tests.monitoring.dashboards.lint import RULES, Checked, faults

# They register their rules.
MODULES = (lint_dashboards, lint_panels, lint_targets)


@pytest.mark.parametrize("name", RULES)
def test_no_dashboard_breaks_the_rule(dashboards: list[Checked], name: str) -> None:
    assert len(dashboards) == 9
    found = [fault for checked in dashboards for fault in faults(checked, name)]
    assert found == []


@pytest.mark.parametrize(
    ("name", "uid", "spoil"),
    [
        pytest.param(name, uid, spoil, id=f"{name}-{place}")
        for name, samples in BAD.items()
        for place, (uid, spoil) in enumerate(samples)
    ],
)
def test_the_rule_finds_what_it_is_for(
    dashboards: list[Checked], name: str, uid: str, spoil: Spoil
) -> None:
    good = next(checked for checked in dashboards if checked.json["uid"] == uid)
    assert faults(good, name) == []
    bad = dataclasses.replace(good, json=copy.deepcopy(good.json))
    spoil(bad.json)
    found = faults(bad, name)
    print(*found, sep="\n")
    assert found


def test_every_rule_has_a_bad_sample() -> None:
    assert len(RULES) > 30
    assert set(BAD) == set(RULES)
