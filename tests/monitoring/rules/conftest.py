"""What evaluates rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.monitoring.rules.unit import Promtool


@pytest.fixture
def promtool(tool: Callable[[str], Path], tmp_path: Path) -> Promtool:
    """Give promtool, and a folder for its files."""
    return Promtool(tool("promtool"), tmp_path)
