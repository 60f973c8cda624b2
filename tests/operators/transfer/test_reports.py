"""What a transfer did is told: in its log, its XCom, its outlets' events and the metrics."""

from __future__ import annotations

import logging
import re
from time import monotonic
from typing import Any

import pytest
from airflow.sdk import Asset, AssetAlias

from tests.operators.transfer.conftest import Move
from updraft.testing.postgres import Database
from updraft.transfer.progress import Progress

FEW = {"mode": "append", "interval_column": "id", "interval_start": "1", "interval_end": "4"}


def test_the_log_tells_what_moves_from_where_to_where(
    move: Move, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    value = move(**FEW).value
    move(mode="replace", sql="SELECT * FROM orders")
    lines = [each for each in caplog.messages if re.match("moving|moved|staged", each)]
    print(*lines, sep="\n")
    assert lines[0] == (
        "moving orders (shop) to orders (warehouse), mode append, id from 1 to before 4"
    )
    assert re.fullmatch(
        r"staged 3 rows, 0\.0 MiB in 0\.\d s \([\d,]+ rows/s\); waiting for the lock on orders",
        lines[1],
    )
    assert lines[2] == (
        f"moved 3 rows, 0.0 MiB in {value['seconds']:.1f} s; 0 rows were deleted before"
    )
    assert lines[3] == "moving a query (shop) to orders (warehouse), mode replace"
    assert lines[5].endswith("3 rows were deleted before")


def test_rows_bytes_and_seconds_go_to_xcom_and_to_the_outlets(shop: Database, move: Move) -> None:
    [(size,)] = shop.sql(
        "SELECT sum(length(concat_ws(' ', id, customer, amount, placed_at, details)) + 1)"
        " FROM orders WHERE id < 4"
    )
    outlets = [Asset("orders"), AssetAlias("alias"), Asset("more")]
    result = move(**FEW, outlets=outlets)
    assert result.value == {
        "rows": 3,
        "bytes": pytest.approx(size, abs=40),  # letters beyond ASCII and escaped ones take two
        "deleted": 0,
        "seconds": pytest.approx(1, abs=0.99),
    }
    print(result.outlet_events)
    assert result.outlet_events == {"orders": result.value, "more": result.value}


def test_rows_bytes_and_seconds_go_to_the_metrics(statsd: Any, move: Move) -> None:
    value = move(**FEW).value
    lines = statsd.lines("updraft.transfer")
    print(*lines, sep="\n")
    tags = "dag_id=test_move,task_id=move"
    assert lines[:2] == [
        f"airflow.updraft.transfer.rows,{tags}:3|c",
        f"airflow.updraft.transfer.bytes,{tags}:{value['bytes']}|c",
    ]
    sent = re.fullmatch(rf"airflow\.updraft\.transfer\.duration,{tags}:([\d.]+)\|ms", lines[2])
    assert sent
    assert float(sent[1]) == pytest.approx(value["seconds"] * 1000, abs=1)
    assert len(lines) == 3


def test_a_refused_transfer_counts_nothing(statsd: Any, move: Move) -> None:
    assert move(mode="replace", target_table="missing").error
    assert statsd.lines("updraft.transfer") == []


def test_progress_is_told_at_its_rhythm_and_not_for_every_row(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "updraft.transfer")
    quiet = Progress()
    for _ in range(1_000):
        quiet.add(1, 10)
    assert caplog.messages == []
    assert (quiet.rows, quiet.bytes) == (1_000, 10_000)
    assert quiet.every == 10
    often = Progress(every=0.2)
    end = monotonic() + 0.5
    while monotonic() < end:
        often.add(2, 2**10)
    print(*caplog.messages, sep="\n")
    assert len(caplog.messages) == 2
    assert re.fullmatch(
        r"[\d,]{5,} rows, [\d,]+\.\d MiB in 0\.\d s \([\d,]{5,} rows/s\) so far", caplog.messages[0]
    )
    rows, mib, rate = (
        float(each.replace(",", ""))
        for each in re.findall(r"([\d,.]+) (?:rows,|MiB|rows/s)", caplog.messages[0])
    )
    assert mib == pytest.approx(rows / 2 * 2**10 / 2**20, rel=0.01, abs=0.06)
    assert rate == pytest.approx(rows / 0.25, rel=0.4)
