"""What all tiers share: their order, and the time of each at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from infra.cli import slow
from infra.root import ROOT
from tests import order
from tests.cluster import marks

# Pytest takes plugins from here alone; an installed package brings it as an entry point.
pytest_plugins = ("updraft.testing.plugin",)
TESTS = Path(__file__).resolve().parent
# How many of the longest files are told of at the end.
TOLD = 8
SECONDS: dict[str, float] = defaultdict(float)
OUTCOMES: dict[str, Counter[str]] = defaultdict(Counter)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("updraft")
    group.addoption("--keep", action="store_true", help="leave the tests' cluster running")
    group.addoption("--slow", choices=list(slow.GROUPS), help="run this group of slow tests alone")
    group.addoption("--compiling", action="store_true", help="begin with what needs no Go program")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks: `make test-fast` leaves out the first, and `make test` the second."""
    config.addinivalue_line("markers", "apiserver: runs etcd, an API server and controllers")
    config.addinivalue_line("markers", "slow(group): takes minutes; make test-slow runs its group")
    for name, meaning in marks.MARKS.items():
        config.addinivalue_line("markers", f"{name}(*words): {meaning}")


def group_of(item: pytest.Item) -> str | None:
    """The group of slow tests that a test is in; None for one that `make test` runs."""
    mark = item.get_closest_marker("slow")
    if mark is None:
        return None
    group = mark.kwargs.get("group")
    if group not in slow.GROUPS:
        known = ", ".join(slow.GROUPS)
        raise pytest.UsageError(f"{item.nodeid}: no group {group!r} of slow tests, but {known}")
    if not item.path.resolve().is_relative_to(slow.FOLDER):
        folder = slow.FOLDER.relative_to(ROOT)
        raise pytest.UsageError(f"{item.path}: a slow test outside {folder}, which alone is read")
    return str(group)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = config.getoption("--slow")
    chosen = [item for item in items if group_of(item) == asked]
    config.hook.pytest_deselected(items=[item for item in items if group_of(item) != asked])

    compiling = bool(config.getoption("--compiling"))

    def place(item: pytest.Item) -> tuple[int, ...]:
        file = item.path.resolve().relative_to(TESTS).as_posix()
        return order.place(file, compiling=compiling)

    items[:] = sorted(chosen, key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> order.Scheduling:
    """Side by side, tests are given out in their order and not by how many are in a file."""
    config.option.loadscopereorder = False
    return order.Scheduling(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    file = report.nodeid.split("::")[0]
    SECONDS[file] += report.duration
    if report.when == "call" or report.outcome != "passed":
        OUTCOMES[tier_of(file)][report.outcome] += 1


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A group of slow tests that skipped one has not shown what its record would say."""
    if lacks_some(session.config) and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def lacks_some(config: pytest.Config) -> bool:
    """Whether it is a group of slow tests of which one was skipped."""
    skipped = any(outcomes["skipped"] for outcomes in OUTCOMES.values())
    return bool(config.getoption("--slow")) and skipped


def tier_of(file: str) -> str:
    """The tier of a file: its folder below tests/."""
    return Path(file).parts[1]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    longest = sorted(SECONDS, key=SECONDS.__getitem__, reverse=True)[:TOLD]
    told = ", ".join(f"{file} {SECONDS[file]:.0f} s" for file in longest)
    terminalreporter.write_line(f"longest: {told}")
    if unlisted := order.unlisted(SECONDS):
        terminalreporter.write_line(f"not in LONGEST of tests/order.py: {', '.join(unlisted)}")
    if lacks_some(terminalreporter.config):
        terminalreporter.write_line("a group of slow tests with skipped ones counts as failed")
    for tier, outcomes in OUTCOMES.items():
        seconds = sum(SECONDS[file] for file in SECONDS if tier_of(file) == tier)
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        terminalreporter.write_line(f"tier {tier}: {told}, {seconds:.0f} s")
