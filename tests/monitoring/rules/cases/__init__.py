"""The faults that each alert is for, an area a module."""

from __future__ import annotations

from tests.monitoring.rules.cases import (
    control_plane,
    objectives,
    outcomes,
    parsing,
    pipeline,
    pods,
    scheduling,
    triggers,
)
from tests.monitoring.rules.unit import Case

CASES: tuple[Case, ...] = (
    *control_plane.CASES,
    *parsing.CASES,
    *scheduling.CASES,
    *outcomes.CASES,
    *pods.CASES,
    *triggers.CASES,
    *pipeline.CASES,
)
OBJECTIVES = objectives.CASES
