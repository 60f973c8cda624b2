"""What all tiers share: their order, and the time of each at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from infra.cli import slow

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
    group.addoption("--slow", choices=list(slow.GROUPS), help="run this group of slow tests alone")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks: `make test-fast` leaves out the first, and `make test` the second."""
    config.addinivalue_line("markers", "apiserver: runs etcd, an API server and controllers")
    config.addinivalue_line("markers", "slow(group): takes minutes; make test-slow runs its group")


def group_of(item: pytest.Item) -> str | None:
    """The group of slow tests that a test is in; None for one that `make test` runs."""
    mark = item.get_closest_marker("slow")
    if mark is None:
        return None
    group = mark.kwargs.get("group", "faults")
    if group not in slow.GROUPS:
        known = ", ".join(slow.GROUPS)
        raise pytest.UsageError(f"{item.nodeid}: no group {group!r} of slow tests, but {known}")
    return str(group)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = config.getoption("--slow")
    chosen = [item for item in items if group_of(item) == asked]
    config.hook.pytest_deselected(items=[item for item in items if group_of(item) != asked])

    def place(item: pytest.Item) -> int:
        tier = tier_of(item.path)
        return TIERS.index(tier) if tier in TIERS else len(TIERS) - 1

    items[:] = sorted(chosen, key=place)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    tier = Path(report.nodeid.split("::")[0]).parts[1]
    SECONDS[tier] += report.duration
    if report.when == "call" or report.outcome != "passed":
        OUTCOMES[tier][report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for tier, seconds in SECONDS.items():
        told = ", ".join(f"{count} {outcome}" for outcome, count in OUTCOMES[tier].items())
        terminalreporter.write_line(f"tier {tier}: {told}, {seconds:.0f} s")
