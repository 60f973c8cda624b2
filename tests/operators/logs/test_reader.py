"""The reader gives a try's lines whole, once and in order, and says what keeps it from it."""

from __future__ import annotations

import json
import secrets
import socket
import time
import tracemalloc
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import GeneratorType
from typing import Any

import pytest

from tests.operators.logs.lake import Lake, events, ids

pytestmark = pytest.mark.usefixtures("settings")
PATH = "dag_id=d/run_id=r/task_id=t/attempt={}.log"


@dataclass
class Row:
    """What Airflow hands over of a task instance."""

    dag_id: str = "d"
    task_id: str = "t"
    run_id: str = "r"
    map_index: int = -1
    try_number: int = 1
    state: str | None = "success"
    hostname: str = "d-t-abc"
    queued_dttm: datetime | None = field(default_factory=lambda: ago(minutes=5))
    start_date: datetime | None = field(default_factory=lambda: ago(minutes=4))
    end_date: datetime | None = field(default_factory=lambda: ago(minutes=1))


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def read(row: Row, number: int = 1) -> list[str]:
    from updraft.logs import REMOTE_TASK_LOG  # noqa: PLC0415 -- imports Airflow

    sources, streams = REMOTE_TASK_LOG.stream(PATH.format(number), row)
    assert len(sources) == len(streams) <= 1
    assert all(isinstance(stream, GeneratorType) for stream in streams)
    return [line for stream in streams for line in stream]


def numbered(count: int, same: int = 1) -> list[tuple[int, str]]:
    """Lines of the last minutes, of which some have the same time."""
    first = time.time_ns() - 120 * 10**9
    return [
        (first + number // same * 1000, json.dumps({"event": f"{number}", "timestamp": "-"}))
        for number in range(count)
    ]


def own(text: str) -> bool:
    return bool(json.loads(text).get("logger") == "updraft.logs")


@pytest.mark.parametrize("same", [1, 7, 999])
def test_pages_overlap_and_give_each_line_once(lake: Lake, same: int) -> None:
    row = Row(run_id=f"pages {same}")
    lake.push(ids(run_id=row.run_id), numbered(12_345, same))
    assert sorted(map(int, events(read(row)))) == list(range(12_345))


def test_a_line_that_came_twice_is_shown_once(lake: Lake) -> None:
    row = Row(run_id="twice")
    lines = numbered(100)
    lake.push(ids(run_id=row.run_id), lines)
    lake.push(ids(run_id=row.run_id) | {"level": "info"}, lines[50:])
    assert events(read(row)) == [str(number) for number in range(100)]


def test_a_hundred_thousand_lines_take_the_memory_of_a_page(lake: Lake) -> None:
    row = Row(run_id="long")
    lake.push(ids(run_id=row.run_id), numbered(100_000))
    from updraft.logs import REMOTE_TASK_LOG  # noqa: PLC0415 -- imports Airflow

    _, (stream,) = REMOTE_TASK_LOG.stream(PATH.format(1), row)
    began = time.monotonic()
    tracemalloc.start()
    count = 0
    for count, line in enumerate(stream, 1):
        assert json.loads(line)["event"] == str(count - 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{count} lines in {time.monotonic() - began:.1f} s, at most {peak / 1e6:.0f} MB")
    assert count == 100_000
    assert peak < 50e6


def test_long_lines_make_short_pages(lake: Lake) -> None:
    row = Row(run_id="heavy")
    noise = secrets.token_hex(250_000)
    lines = [(at, f"{number} {noise}") for number, (at, _) in enumerate(numbered(150))]
    for begin in range(0, 150, 10):
        lake.push(ids(run_id=row.run_id), lines[begin : begin + 10])
    found = read(row)
    print(found[-1][:300])
    assert [event.split()[0] for event in events(found)] == [str(n) for n in range(150)]


@pytest.mark.parametrize("name", ['a "b"', "a\\b", "a`b", "größe 🙂", "a\nb", "x | y", "{}", "'"])
def test_an_id_means_itself(lake: Lake, name: str) -> None:
    row = Row(run_id=name, task_id="quoted")
    lake.push(ids(run_id=name, task_id="quoted"), [(time.time_ns(), "mine")])
    lake.push(ids(run_id=name + "2", task_id="quoted"), [(time.time_ns(), "another's")])
    assert events(read(row)) == ["mine"]


def test_what_is_no_json_of_airflows_is_an_event(lake: Lake) -> None:
    row = Row(run_id="texts")
    texts = ["plain", '{"msg": "synced", "level": "info"}', '{"cut', "[1]", '{"event": {"a": 1}}']
    base = time.time_ns() // 1000 * 1000 - 10**9
    lake.push(
        ids(run_id=row.run_id) | {"level": "warning"},
        [(base + number * 1000, text) for number, text in enumerate(texts)],
    )
    found = [json.loads(line) for line in read(row)]
    assert [line["event"] for line in found] == ["plain", "synced", '{"cut', "[1]", texts[4]]
    assert [line.get("level") for line in found[:3]] == ["warning", "info", "warning"]
    moments = [datetime.fromisoformat(line["timestamp"]) for line in found]
    assert [moment.microsecond for moment in moments] == [
        (base // 1000 + number) % 10**6 for number in range(5)
    ]


def test_init_containers_speak_where_the_task_did_not(lake: Lake) -> None:
    row = Row(run_id="init", state="failed")
    lake.push(ids(run_id=row.run_id), [(time.time_ns(), '{"msg": "no such commit"}')], "git-sync")
    (line,) = [json.loads(line) for line in read(row)]
    assert (line["event"], line["logger"]) == ("no such commit", "git-sync")


def test_an_earlier_try_is_read_while_a_later_one_runs(lake: Lake) -> None:
    lake.push(ids(run_id="tries"), [(time.time_ns(), "first try")])
    row = Row(run_id="tries", state="running", try_number=2)
    assert events(read(row, 1)) == ["first try"]
    assert read(row, 2) == []


@pytest.mark.parametrize("state", ["running", "queued", "scheduled", None])
def test_a_try_that_has_not_ended_is_not_asked_for(state: str | None) -> None:
    assert read(Row(run_id="texts", state=state)) == []


def test_a_rescheduled_sensor_has_the_lines_of_all_its_visits(lake: Lake) -> None:
    @dataclass
    class Run:
        start_date: datetime

    @dataclass
    class Sensor:
        _is_sensor: bool = True

    @dataclass
    class SensorRow(Row):
        task: Any = field(default_factory=Sensor)
        dag_run: Any = field(default_factory=lambda: Run(ago(hours=3)))

    first = int(ago(hours=2).timestamp()) * 10**9
    lake.push(ids(run_id="sensor"), [(first, "first visit"), (time.time_ns(), "last visit")])
    assert events(read(Row(run_id="sensor"))) == ["last visit"]
    assert events(read(SensorRow(run_id="sensor"))) == ["first visit", "last visit"]


def test_the_log_of_a_task_that_has_just_ended_says_that_more_may_come(lake: Lake) -> None:
    lake.push(ids(run_id="fresh"), [(time.time_ns(), "so far")])
    found = read(Row(run_id="fresh", end_date=ago(seconds=1)))
    assert events(found)[0] == "so far"
    assert own(found[1])
    assert "some seconds" in events(found)[1]


def test_no_line_is_explained_by_how_long_lines_are_kept() -> None:
    (found,) = read(Row(run_id="gone", queued_dttm=None, start_date=None, end_date=ago(days=40)))
    assert own(found)
    assert "720h" in found
    assert f"{ago(days=40):%Y-%m-%d}" in found
    (found,) = read(Row(run_id="gone", state="deferred", end_date=None, start_date=None), 0)
    assert "has not ended" in found or "just now" in found


def test_airflow_alone_has_no_loki(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__UPDRAFT__LOKI_URL", "")
    assert read(Row()) == []


@pytest.mark.parametrize("url", ["loki://x", "nonsense", "http://[", "http://127.0.0.1:1"])
def test_an_address_that_is_none_is_told_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AIRFLOW__UPDRAFT__LOKI_URL", url)
    (found,) = read(Row())
    print(found)
    assert own(found)
    assert url in found
    assert "kubectl --namespace airflow-tasks logs d-t-abc" in found


def test_a_slow_loki_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from updraft.logs import store  # noqa: PLC0415 -- imports Airflow

    monkeypatch.setattr(store, "TIMEOUT_SECONDS", 1.0)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        monkeypatch.setenv("AIRFLOW__UPDRAFT__LOKI_URL", url)
        (found,) = read(Row())
    assert "no answer in 1 s" in found


def test_a_query_that_loki_refuses_is_told(lake: Lake) -> None:
    from updraft.logs import store  # noqa: PLC0415 -- imports Airflow

    with pytest.raises(store.LokiError, match="HTTP 400"):
        list(store.lines(lake.url, "{", 0, 1))


def test_what_is_not_loki_is_told(monkeypatch: pytest.MonkeyPatch, lake: Lake) -> None:
    from updraft.logs import store  # noqa: PLC0415 -- imports Airflow

    monkeypatch.setattr(store, "urlencode", lambda _: "")
    with pytest.raises(store.LokiError):
        list(store.lines(f"{lake.url}/config#", "{}", 0, 1))


def test_loki_that_ends_in_the_middle_is_told(lake: Lake) -> None:
    from updraft.logs import REMOTE_TASK_LOG  # noqa: PLC0415 -- imports Airflow

    lake.push(ids(run_id="middle"), numbered(6000))
    _, (stream,) = REMOTE_TASK_LOG.stream(PATH.format(1), Row(run_id="middle"))
    assert events([next(stream)]) == ["0"]
    lake.server.kill()
    try:
        rest = list(stream)
    finally:
        lake.server.start()
    assert len(rest) == 5000
    assert "stopped after 5000 lines" in rest[-1]


def test_read_gives_the_same_as_one_text(lake: Lake) -> None:
    from updraft.logs import REMOTE_TASK_LOG  # noqa: PLC0415 -- imports Airflow

    lake.push(ids(run_id="whole"), numbered(3))
    row = Row(run_id="whole")
    sources, texts = REMOTE_TASK_LOG.read(PATH.format(1), row)
    assert sources == [f"Loki at {lake.url}"]
    assert texts
    assert events(texts[0].split("\n")) == ["0", "1", "2"]
    assert REMOTE_TASK_LOG.read(PATH.format(1), Row(state="running")) == ([], None)
    assert REMOTE_TASK_LOG.processors == ()
    assert REMOTE_TASK_LOG.upload("any") is None  # type: ignore[func-returns-value]
