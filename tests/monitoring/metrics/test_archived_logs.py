"""The lines of a run's gone pods are read from a real Loki, by try and in order."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
import pytest

from infra.cli import archived_logs
from infra.cli import loki as client
from infra.cli.instances import TaskInstance
from infra.errors import UpdraftError
from monitoring.options import Options

NAMESPACE = Options().tasks
SECOND = 1_000_000_000
BEGAN = time.time_ns() - 600 * SECOND
LONG = "x" * 200_000


def push(url: str, ids: Mapping[str, str], lines: list[tuple[int, str]]) -> None:
    """Bring a try's lines, each with seconds since the run began, as the collector does."""
    values = [[str(BEGAN + seconds * SECOND), text, ids] for seconds, text in lines]
    stream = {"k8s_namespace_name": NAMESPACE, "k8s_container_name": "base"}
    body = {"streams": [{"stream": stream, "values": values}]}
    answer = httpx.post(f"{url}/loki/api/v1/push", json=body, trust_env=False, timeout=60)
    assert answer.is_success, answer.text


def ids(task: str, index: int, number: int, run: str) -> dict[str, str]:
    return {
        "dag_id": "shop", "run_id": run, "task_id": task, "map_index": str(index),
        "try_number": str(number), "k8s_pod_name": f"{task}-{index}-{number}",
    }  # fmt: skip


def row(run: str) -> dict[str, str | None]:
    """A run as Airflow's API tells it: cleared once, so its start is later than its first line."""
    begun = datetime.fromtimestamp(BEGAN / SECOND, UTC)
    return {
        "dag_id": "shop",
        "dag_run_id": run,
        "run_after": begun.isoformat(),
        "start_date": datetime.now(UTC).isoformat(),
        "end_date": None,
    }


def test_each_trys_lines_come_in_order_and_no_other_runs(loki: str) -> None:
    run = "manual__2026-01-01T00:00:00+00:00"
    push(loki, ids("load", 10, 1, run), [(5, "third"), (1, "first"), (3, "second"), (3, "second")])
    push(loki, ids("load", 2, 1, run), [(2, "tried")])
    push(loki, ids("load", 2, 2, run), [(9, "again")])
    push(loki, ids("größe", -1, 1, run), [(4, 'says "x"')])
    push(loki, ids("load", 2, 1, "another"), [(2, "not this one")])
    archived = archived_logs.read(loki, NAMESPACE, row(run))
    told = {key: [line.text for line in lines] for key, lines in archived.items()}
    print(told)
    assert told == {
        ("load", 10, 1): ["first", "second", "third"],
        ("load", 2, 1): ["tried"],
        ("load", 2, 2): ["again"],
        ("größe", -1, 1): ['says "x"'],
    }
    assert archived["load", 2, 2][0].labels["k8s_pod_name"] == "load-2-2"
    assert not archived_logs.read(loki, NAMESPACE, row("none"))


def test_long_lines_are_read_by_smaller_pages(loki: str) -> None:
    for part in range(20):
        lines = [(part * 25 + number, f"{part} {number} {LONG}") for number in range(25)]
        push(loki, ids("long", -1, 1, "long"), lines)
    asked = client.query(NAMESPACE, run_id="long")
    with pytest.raises(client._TooLargeError):
        client._page(loki, asked, *archived_logs.window(row("long")), client.PAGE)
    archived = archived_logs.read(loki, NAMESPACE, row("long"))
    (lines_,) = archived.values()
    print(f"{sum(len(line.text) for line in lines_) >> 20} MiB")
    assert len(lines_) == 500
    assert [line.time for line in lines_] == sorted(line.time for line in lines_)


def test_a_refusal_is_told(loki: str) -> None:
    with pytest.raises(UpdraftError, match="Loki refuses with 4"):
        client.lines(loki, "{", 0, 1)
    with pytest.raises(UpdraftError, match="Loki does not answer"):
        archived_logs.read("http://127.0.0.1:1", NAMESPACE, row("any"))


def test_every_try_that_has_begun_is_looked_for() -> None:
    def instance(task: str, index: int, number: int, started: datetime | None) -> TaskInstance:
        return TaskInstance(task, index, "success", number, None, None, started, None)

    now = datetime.now(UTC)
    found = archived_logs.tries(
        [instance("a", -1, 1, now), instance("b", 0, 3, now), instance("c", -1, 0, None)]
    )
    print(sorted(found))
    assert found == {("a", -1, 1), ("b", 0, 1), ("b", 0, 2), ("b", 0, 3)}


def test_a_question_is_no_longer_than_loki_answers() -> None:
    old = {**row("x"), "run_after": "2020-01-01T00:00:00Z"}
    start, end = archived_logs.window(old)
    assert end - start == archived_logs.LONGEST
    start, end = archived_logs.window({**row("x"), "end_date": datetime.now(UTC).isoformat()})
    assert BEGAN - archived_logs.MARGIN - SECOND <= start <= BEGAN < end
