"""Advice from measured tries: quantiles, steps, sizes, sureness and savings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from infra.cli import loki, rightsize, usage
from infra.cli.sizing import GIB, MIB, Advice, Prices, Try, advise, fitting, quantile, up
from infra.errors import UpdraftError
from tests.unit.test_program_values import settings

GIVEN = {
    "cpu_request": 500,
    "cpu_limit": 1000,
    "memory_request": 1024 * MIB,
    "memory_limit": 1024 * MIB,
}
SIZES = {
    "large": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"cpu": "4", "memory": "8Gi"}},
    "small": {
        "requests": {"cpu": "250m", "memory": "256Mi"},
        "limits": {"cpu": "1", "memory": "512Mi"},
    },
}
PRICES = Prices(0.04, 0.005)


def a_try(peak: float = 100, cores: float = 0.1, **changes: Any) -> Try:
    """A try of a minute that held so many MiB."""
    made = Try("dag", "task", int(peak * MIB), cores * 60, 60, GIVEN)
    return replace(made, **changes)


def one(tries: list[Try], days: float = 7) -> Advice:
    (advice,) = advise(tries, SIZES, PRICES, days)
    print(advice)
    return advice


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.5, 7),
        ([7], 0.95, 7),
        ([1, 2], 0.5, 1),
        ([3, 1, 2], 0.5, 2),
        (range(1, 21), 0.95, 19),
        (range(1, 101), 0.95, 95),
        ([5, 5, 5, 900], 0.95, 900),
    ],
)
def test_a_quantile_is_a_measured_value(values: Any, share: float, expected: float) -> None:
    assert quantile(list(values), share) == expected


@pytest.mark.parametrize(
    ("value", "step", "expected"),
    [(0, 64, 64), (64, 64, 64), (64.1, 64, 128), (0.15, 0.05, 0.15), (0.151, 0.05, 0.2)],
)
def test_a_quantity_is_rounded_up_to_whole_steps(
    value: float, step: float, expected: float
) -> None:
    assert up(value, step) == pytest.approx(expected)


def test_the_request_holds_most_tries_and_the_limit_every_one_with_headroom() -> None:
    advice = one([*[a_try(100)] * 19, a_try(180)])
    assert (advice.memory.p50, advice.memory.p95, advice.memory.most) == (
        100 * MIB, 100 * MIB, 180 * MIB,
    )  # fmt: skip
    assert advice.memory_request == 128 * MIB
    assert advice.memory_limit == 256 * MIB
    assert advice.cpu_request == 0.1
    assert advice.size == "small"
    assert advice.sure
    assert advice.sureness == "sure (20 tries)"


def test_the_request_never_exceeds_the_limit() -> None:
    for peak in (1, 63.9, 64, 500, 3000):
        advice = one([a_try(peak)] * 20)
        assert peak * MIB <= advice.memory_request <= advice.memory_limit


def test_few_varied_and_cut_off_tries_are_not_sure() -> None:
    assert one([a_try()] * 3).sureness == "too few tries (3 of 20)"
    varied = one([*[a_try(100)] * 19, a_try(250)])
    assert varied.sureness == "varied: the most is 2.5 x the median"
    near = one([*[a_try(100)] * 39, a_try(1000)])
    assert near.sureness == "at its limit in 1 of 40: it may need more"
    assert not near.sure
    assert not varied.sure


def test_the_smallest_size_that_holds_it_is_named() -> None:
    assert fitting(SIZES, 0.25, 256 * MIB, 512 * MIB) == "small"
    assert fitting(SIZES, 0.3, 256 * MIB, 512 * MIB) == "large"
    assert fitting(SIZES, 0.25, 257 * MIB, 512 * MIB) == "large"
    assert fitting(SIZES, 0.25, 256 * MIB, 9 * GIB) is None


def test_what_is_saved_is_hours_by_prices_for_a_month() -> None:
    tries = [a_try(100, seconds=3600, cpu_seconds=360.0)] * 28
    # 28 hours in 7 days are 120 in 30; 0.4 cores and 896 MiB less.
    expected = 120 * (0.4 * 0.04 + 896 / 1024 * 0.005)
    assert one(tries).saved_month == pytest.approx(expected)
    assert one([replace(each, given={}) for each in tries]).saved_month is None
    more = one([a_try(2000, 3.0)] * 20).saved_month
    assert more is not None
    assert more < 0


def test_tasks_come_by_what_they_save_and_a_try_without_time_is_left_out() -> None:
    tries = [
        a_try(task_id="little", seconds=6, cpu_seconds=0.6),
        a_try(task_id="much", seconds=6000, cpu_seconds=600),
        a_try(task_id="never", seconds=0),
    ]
    assert [each.task_id for each in advise(tries, SIZES, PRICES, 7)] == ["much", "little"]


def test_what_is_asked_for_now_is_what_the_latest_try_had() -> None:
    later = a_try(given={**GIVEN, "cpu_request": 250})
    assert one([a_try(), later]).given["cpu_request"] == 0.25


def line(**changes: Any) -> str:
    told = {
        "event": "updraft.resources", "dag_id": "größe", "task_id": "g.t", "state": "success",
        "peak_memory_bytes": 5, "cpu_seconds": 1.5, "seconds": 3.0, "cpu_request": 250,
        "memory_limit": None,
    }  # fmt: skip
    return json.dumps({**told, **changes})


def test_a_line_is_a_try() -> None:
    found = usage.parse(line())
    assert found == Try("größe", "g.t", 5, 1.5, 3.0, {"cpu_request": 250})
    assert found.cores == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "updraft.resources",
        '["updraft.resources"]',
        line(event="other"),
        line(state="skipped"),
        line(seconds=None),
        line(peak_memory_bytes="much"),
        line().replace('"seconds"', '"of an older Updraft"'),
    ],
)
def test_a_line_of_another_kind_is_none(text: str) -> None:
    assert usage.parse(text) is None


def test_the_table_and_the_json_tell_the_same() -> None:
    advice = advise([a_try(100)] * 20, SIZES, PRICES, 7)
    console = Console(width=120, record=True)
    console.print(rightsize.table(advice, "last 7 days"))
    text = console.export_text()
    cores, memory = (line.split() for line in text.splitlines() if "0.10" in line or "128" in line)
    assert [word for word in cores if word != "│"] == (
        ["dag", "20", "cores", "0.50", "1.00", "0.10", "0.10", "0.10", "0.10", "-", "small"]
    )
    assert [word for word in memory if word != "│"] == (
        ["task", "MiB", "1024", "1024", "100", "100", "100", "128", "128", "sure", "(20", "tries)"]
    )
    told = json.loads(rightsize.as_json(advice, settings(), 7))
    assert told["currency"] == "USD"
    assert told["tasks"][0]["memory"]["most"] == 100 * MIB
    assert told["tasks"][0]["size"] == "small"
    assert "saves 0.0" in rightsize.summary(advice, "USD")


def test_what_the_latest_pod_was_given_may_be_unknown() -> None:
    advice = advise([a_try(given={})], SIZES, PRICES, 7)
    console = Console(width=200, record=True)
    console.print(rightsize.table(advice, ""))
    first = next(line for line in console.export_text().splitlines() if "cores" in line)
    assert first.replace("│", "").split()[3:5] == ["-", "-"]


@pytest.mark.parametrize("days", ["0", "-1", "31", "a week", "nan"])
def test_days_out_of_reach_are_refused(days: str) -> None:
    with pytest.raises(UpdraftError, match="DAYS is"):
        rightsize._days(days)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("loki.airflow-monitoring.svc.cluster.local", ("loki", "airflow-monitoring")),
        ("gateway.logs.svc", ("gateway", "logs")),
        ("loki.example.com", None),
        ("10.0.0.1", None),
        ("loki", None),
    ],
)
def test_a_service_of_the_cluster_is_told_from_another_host(
    host: str, expected: tuple[str, str] | None
) -> None:
    assert loki.in_cluster(host) == expected
