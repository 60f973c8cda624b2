"""What all tiers share: their order, and the time of each at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

# Pytest takes plugins from here alone; an installed package brings it as an entry point.
pytest_plugins = ("updraft.testing.plugin",)
TESTS = Path(__file__).resolve().parent
# The quick ones first; what needs a cluster last.
TIERS = ("unit", "render", "dags", "operators", "monitoring", "cluster")
SECONDS: dict[str, float] = defaultdict(float)
OUTCOMES: dict[str, Counter[str]] = defaultdict(Counter)


def tier_of(path: Path) -> str:
    """The tier of a test: its folder below tests/."""
    return path.resolve().relative_to(TESTS).parts[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("updraft")
    group.addoption("--keep", action="store_true", help="leave the tests' cluster running")
    group.addoption("--slow", action="store_true", help="run what takes minutes too")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks: `make test-fast` leaves out the first, and `make test` the second."""
    config.addinivalue_line("markers", "apiserver: runs etcd, an API server and controllers")
    config.addinivalue_line("markers", "slow: waits for minutes on a cluster")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="waits for minutes: make test-slow")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(skip)

    def place(item: pytest.Item) -> int:
        tier = tier_of(item.path)
        return TIERS.index(tier) if tier in TIERS else len(TIERS) - 1

    items.sort(key=place)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    tier = Path(report.nodeid.split("::")[0]).parts[1]
    SECONDS[tier] += report.duration
    if report.when == "call" or report.outcome != "passed":
        OUTCOMES[tier][report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for tier, seconds in SECONDS.items():
        told = ", ".join(f"{count} {outcome}" for outcome, count in OUTCOMES[tier].items())
        terminalreporter.write_line(f"tier {tier}: {told}, {seconds:.0f} s")
