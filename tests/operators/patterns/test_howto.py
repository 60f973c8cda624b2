"""The DAGs of the how-to on dynamic patterns do what the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.root import ROOT
from updraft.testing.postgres import Database
from updraft.testing.results import RunResult

RunDag = Callable[..., RunResult]
PAGE = ROOT / "docs" / "howto" / "dynamic-patterns.md"


@pytest.fixture
def example(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the page's DAG of a name into a file of its own."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    print(f"{len(blocks)} examples")

    def find(name: str, **changes: str) -> Path:
        (block,) = [each for each in blocks if f"\n{name}()\n" in each]
        for old, new in changes.items():
            assert old in block
            block = block.replace(old, new)
        file = tmp_path / f"{name}.py"
        file.write_text(block)
        return file

    return find


def test_a_month_but_for_one_day_is_published(
    run_dag: RunDag, example: Callable[..., Path]
) -> None:
    run = run_dag(example("month"))
    failed = [key for key, state in run.states.items() if state == "failed"]
    print(failed, run.names[failed[0]])
    assert run.state == "success"
    assert [run.names[key] for key in failed] == ["2026-03-08"]
    assert run.xcom("rows") == 300
    assert run.states["publish", -1] == "success"
    assert run.states["alert", -1] == "skipped"


def test_each_item_is_recorded_once(
    run_dag: RunDag, example: Callable[..., Path], make_postgres_database: Any
) -> None:
    warehouse: Database = make_postgres_database("warehouse")
    (made,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    warehouse.sql(made)
    run = run_dag(example("squares", **{"pods=100": "pods=5", "100_000": "10_000"}))
    found = warehouse.sql("SELECT count(*), count(DISTINCT item), max(square) FROM squares")
    print(found, sorted(run.names.values()))
    assert run.state == "success"
    assert found == [(10_000, 10_000, 9_999**2)]


def test_a_mapped_group_is_gathered(run_dag: RunDag, example: Callable[..., Path]) -> None:
    run = run_dag(example("each_table"))
    print(run.names)
    assert run.xcom("collect")["values"] == ["orders: 6", "clients: 7"]
    assert sorted(run.names.values()) == ["clients", "orders"]
