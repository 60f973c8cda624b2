"""Airflow's own endpoint gives each try's and map index's lines from Loki, in order."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.operators.logs.lake import Lake, events, ids
from tests.operators.ui.site import Site
from tests.waiting import wait_for

DAG = "logs_site"


@pytest.fixture(scope="session")
def run_id(site: Site) -> str:
    """A run whose first tasks have ended, and whose task `waits` is running."""
    wait_for(lambda: site.version(DAG), 60, "the DAG")
    site.api(f"dags/{DAG}", {"is_paused": False}, "PATCH")
    made = str(site.api(f"dags/{DAG}/dagRuns", {"logical_date": None})["dag_run_id"])
    wait_for(lambda: site.task(DAG, made, "waits")["state"] == "running", 120, "the task to run")
    return made


def log(site: Site, run_id: str, task_id: str, number: int, map_index: int = -1) -> list[Any]:
    path = f"dags/{DAG}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{number}"
    found = site.api(f"{path}?full_content=true&map_index={map_index}")["content"]
    assert found
    return list(found)


def body(lines: list[Any]) -> list[str]:
    """What follows the list of sources."""
    all_events = [line["event"] for line in lines]
    return all_events[all_events.index("::endgroup::") + 1 :]


def written(text: str, **more: Any) -> str:
    stamp = time.time_ns()
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stamp // 10**9))
    fields = {"timestamp": f"{moment}.{stamp % 10**9 // 1000:06d}Z", "level": "info", "event": text}
    return json.dumps({**fields, **more})


def test_each_try_and_map_index_has_its_own_lines(site: Site, lake: Lake, run_id: str) -> None:
    tries = [("flaky", 1, -1), ("flaky", 2, -1), *(("mapped", 1, index) for index in range(3))]
    for task_id, number, index in tries:
        known = ids(dag_id=DAG, run_id=run_id, task_id=task_id, try_number=str(number),
                    map_index=str(index))  # fmt: skip
        name = f"{task_id} {number} {index}"
        lake.push(known, [(time.time_ns(), written(f"{name} line {n}")) for n in range(50)])
        lake.push(known, [(time.time_ns(), f"{name} not of the task")], "git-sync-init")
    for task_id, number, index in tries:
        name = f"{task_id} {number} {index}"
        found = log(site, run_id, task_id, number, index)
        assert f"Loki at {lake.url}" in [line["event"] for line in found]
        shown = [event for event in body(found) if not event.startswith("The task has ended")]
        assert shown == [f"{name} line {n}" for n in range(50)]


def test_airflows_details_of_an_error_are_shown_as_it_writes_them(
    site: Site, lake: Lake, run_id: str
) -> None:
    detail = [{"exc_type": "ValueError", "exc_value": "once", "frames": []}]
    known = ids(dag_id=DAG, run_id=run_id, task_id="flaky", try_number="1")
    text = written("Task failed with exception", level="error", error_detail=detail)
    lake.push(known, [(time.time_ns(), text)])
    found = log(site, run_id, "flaky", 1)
    errors = [line for line in found if line.get("error_detail")]
    assert [(line["level"], line["error_detail"]) for line in errors] == [("error", detail)]


def test_loki_is_not_asked_while_the_task_runs_or_waits(
    site: Site, lake: Lake, run_id: str
) -> None:
    known = ids(dag_id=DAG, run_id=run_id, task_id="waits")
    lake.push(known, [(time.time_ns(), written("twice"))])
    found = [line["event"] for line in log(site, run_id, "waits", 1)]
    assert "twice" not in found
    assert not [event for event in found if lake.url in event]
    with_none = [line["event"] for line in log(site, run_id, "never", 0)]
    assert not [event for event in with_none if "Loki" in event]


def test_without_loki_the_reader_says_so_and_where_the_lines_are(
    site: Site, lake: Lake, run_id: str
) -> None:
    lake.server.kill()
    try:
        found = body(log(site, run_id, "mapped", 1, 0))
    finally:
        lake.server.start()
    (said,) = found
    print(said)
    assert lake.url in said
    assert "No line is lost" in said
    assert "make logs" in said
    assert events([written("again")]) == ["again"]
