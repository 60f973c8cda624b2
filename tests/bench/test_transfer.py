"""A transfer is at least three times as fast as GenericTransfer, and its memory doesn't grow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.transfer import compare, connections, measure, show_memory, show_speed
from updraft.testing.postgres import Server


@pytest.mark.usefixtures("own_airflow")
def test_between_two_postgresql_it_takes_a_third_of_the_time(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in connections(postgres).items():
        monkeypatch.setenv(name, value)
    speed = compare(postgres, 60_000, 3)
    show_speed(60_000, speed)
    assert speed.ratio <= 0.3


@pytest.mark.parametrize(
    ("through_sqlite", "few", "many"), [(False, 100_000, 1_000_000), (True, 20_000, 200_000)]
)
def test_ten_times_the_rows_take_the_same_memory(
    through_sqlite: bool, few: int, many: int, postgres: Server, tmp_path: Path
) -> None:
    one, ten = (
        measure(postgres, rows, tmp_path, through_sqlite=through_sqlite) for rows in (few, many)
    )
    show_memory("SQLite" if through_sqlite else "PostgreSQL", one, ten)
    assert one.before > 30, "the peak before is that of a process with Airflow in it"
    assert ten.peak <= 1.2 * one.peak
    assert ten.peak - ten.before < 20
