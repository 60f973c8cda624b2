"""What evaluates rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.monitoring.recording.unit import Evaluate, Evaluation


@pytest.fixture
def evaluate(tool: Callable[[str], Path], tmp_path: Path) -> Evaluate:
    """Give an evaluation of the rules of some options."""
    return lambda options: Evaluation(tool("promtool"), tmp_path, options)
