"""Tests come in an order that leaves no worker alone at the end, and none before its program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import order
from tests.cluster import conftest as cluster

TESTS = Path(order.__file__).parent
FILES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py"))


@pytest.mark.parametrize("table", ["TOGETHER", "LONGEST", "COMPILED"])
def test_what_the_order_names_is_there(table: str) -> None:
    named = getattr(order, table)
    assert named
    assert [name for name in named if not (TESTS / name).exists()] == []


@pytest.mark.parametrize("compiling", [False, True])
def test_the_longest_come_first_and_what_awaits_the_compiler_last(*, compiling: bool) -> None:
    ordered = sorted(FILES, key=lambda file: order.place(file, compiling=compiling))
    needy = [file.startswith(order.COMPILED) for file in ordered if not file.startswith("cluster/")]
    print(ordered[:5], "…", ordered[-5:])
    assert ordered[-1].startswith("cluster/")
    assert needy.index(True) == (needy.count(False) if compiling else 0)
    assert compiling or ordered[0].startswith(order.LONGEST[0])


def test_each_file_of_the_clusters_tests_has_a_place_and_one_without_is_refused() -> None:
    places = {file: cluster.place(TESTS / file) for file in FILES}
    own = sorted(place for file, place in places.items() if file.startswith("cluster/"))
    print(own)
    assert own == list(range(len(cluster.ORDER)))
    assert {place for file, place in places.items() if not file.startswith("cluster/")} == {-1}
    with pytest.raises(pytest.UsageError, match="no place in ORDER"):
        cluster.place(TESTS / "cluster" / "faults" / "test_new.py")


def test_one_worker_has_all_that_shares_a_server() -> None:
    units = {file: order.unit(file) for file in FILES}
    for folder in order.TOGETHER:
        assert {units[file] for file in FILES if file.startswith(f"{folder}/")} == {folder}
    assert units["operators/test_sql.py"] == "operators/test_sql.py"


def test_a_file_that_takes_longer_than_a_listed_one_is_told_once_all_of_those_ran() -> None:
    listed = {f"tests/{name}": 100.0 - number for number, name in enumerate(order.LONGEST)}
    least = min(listed.values())
    short = {"tests/unit/test_quick.py": least - 1, "tests/cluster/test_slow.py": 1000.0}
    grown = {"tests/unit/test_grown.py": least + 1}
    assert order.unlisted(listed | short) == []
    assert order.unlisted(listed | short | grown) == list(grown)
    assert order.unlisted(dict(list(listed.items())[1:]) | grown) == []
