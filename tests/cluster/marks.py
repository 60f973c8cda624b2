"""What the cluster tests' marks say: the alerts that they fire, and the queries that they fill."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from types import ModuleType

import pytest

import tests.cluster

# The group of the tests that `make test` runs.
ALWAYS = ""
MARKS = {
    "fires": "names the alerts that the test's fault fires, and that resolve after it",
    "fills": "names the faults of dashboards' queries (only_on_failure) that the test makes",
}


def arguments(mark: str) -> dict[str, set[str]]:
    """Return the arguments of a mark by the group of `make test-slow` whose tests have it."""
    found: dict[str, set[str]] = defaultdict(set)
    for marks in _marks():
        [group] = [each.kwargs["group"] for each in marks if each.name == "slow"] or [ALWAYS]
        words = {word for each in marks if each.name == mark for word in each.args}
        if words:
            found[group] |= words
    return dict(found)


def _marks() -> Iterator[list[pytest.Mark]]:
    """Yield the marks of each cluster test, those of its module included."""
    for module in _modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and function.__module__ == module.__name__:
                yield [*_own_marks(module), *_own_marks(function)]


def _own_marks(marked: object) -> list[pytest.Mark]:
    found = getattr(marked, "pytestmark", [])
    listed = found if isinstance(found, list) else [found]
    return [each if isinstance(each, pytest.Mark) else each.mark for each in listed]


def _modules() -> Iterator[ModuleType]:
    here = tests.cluster
    for found in pkgutil.walk_packages(here.__path__, f"{here.__name__}."):
        if found.name.rpartition(".")[2].startswith("test_"):
            yield importlib.import_module(found.name)
