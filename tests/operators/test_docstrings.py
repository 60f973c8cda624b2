"""Every public class of the package has an example in its docstring, and each example runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import updraft

# Modules whose import starts a program.
PROGRAMS = ("__main__",)


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(updraft.__path__, "updraft."):
        if found.name.rpartition(".")[2] not in PROGRAMS:
            yield found.name


@pytest.mark.parametrize("name", list(modules()))
def test_every_public_class_has_an_example_that_holds(name: str) -> None:
    module = importlib.import_module(name)
    classes = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == name and not key.startswith("_")
    }
    without = [key for key, value in classes.items() if ">>>" not in (value.__doc__ or "")]
    # A class that describes another's interface can't be made, so it has nothing to show.
    without = [key for key in without if not getattr(classes[key], "_is_protocol", False)]
    tests = [each for each in doctest.DocTestFinder().find(module, name) if each.examples]
    print(f"{name}: classes {sorted(classes)}, {len(tests)} docstrings with examples")
    assert not without, f"classes of {name} without an example: {without}"
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    # In a thread of its own: a browser of another test may have left its event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        list(pool.map(runner.run, tests))
    assert runner.failures == 0
