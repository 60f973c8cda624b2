"""A real Loki answers each of the dashboards' queries with what it was given."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from monitoring import loki
from monitoring.dashboards import Query, queries, sources, substitute
from monitoring.options import Options
from tests.monitoring import servers
from tests.waiting import wait_for

SECOND = 10**9
RUN = "manual__2026-01-01T00:00:00+00:00"
IDS = {"dag_id": "etl.daily", "task_id": "group.load", "run_id": RUN, "try_number": "1"}
OPTIONS = Options()
ASKED = [query for query in queries(OPTIONS) if query.datasource == "loki"]


def stream(namespace: str, component: str, container: str) -> dict[str, str]:
    """Return a stream's labels."""
    return {
        "k8s_namespace_name": namespace,
        "component": component,
        "k8s_container_name": container,
        "service_name": component,
    }


def lines() -> list[dict[str, Any]]:
    """Return lines as they are pushed: of tasks, a git-sync, and a DAG processor in trouble."""
    now = time.time_ns()
    resources = {
        "event": "updraft.resources",
        "peak_memory_bytes": 200_000_000,
        "memory_request": 512_000_000,
        "cpu_seconds": 3.5,
        "seconds": 7,
        "cpu_request": 250,
        "commit": "c0ffee",
        **IDS,
    }
    tries = [
        [
            str(now - (index + 1) * SECOND),
            json.dumps({**resources, "peak_memory_bytes": 100_000_000 * (index + 1)}),
            {**IDS, "map_index": str(index), "level": "info"},
        ]
        for index in range(4)
    ]
    failed = [str(now - 9 * SECOND), "no such table", {**IDS, "map_index": "-1", "level": "error"}]
    broken = [str(now - 8 * SECOND), "Failed to import", {"level": "error"}]
    synced = [str(now - 7 * SECOND), "synced", {"level": "info"}]
    tasks, control = OPTIONS.tasks, OPTIONS.control_plane
    return [
        {"stream": stream(tasks, "worker", "base"), "values": [failed, *reversed(tries)]},
        {"stream": stream(control, "dag-processor", "dag-processor"), "values": [broken]},
        {"stream": stream(control, "dag-processor", "git-sync"), "values": [synced]},
    ]


@pytest.fixture(scope="module")
def address(tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a Loki that has the lines."""
    folder = tmp_path_factory.mktemp("loki")
    config = folder / "loki.yaml"
    config.write_text(yaml.safe_dump(loki.config(OPTIONS, storage=str(folder / "data"))))
    with servers.loki(tool("loki"), folder, config) as url:
        answer = httpx.post(
            f"{url}/loki/api/v1/push", json={"streams": lines()}, trust_env=False, timeout=30
        )
        assert answer.is_success, answer.text
        yield url


def ask(address: str, query: Query, **chosen: str) -> list[Any]:
    """Return what Loki answers, as Grafana asks it: once, or at each point of an hour."""
    defaults = {each.name: each.default for board in sources(OPTIONS) for each in board.variables}
    path = "query" if query.instant else "query_range"
    answer = httpx.get(
        f"{address}/loki/api/v1/{path}",
        params={
            "query": substitute(query.expr, {**defaults, **chosen}),
            "since": "1h",
            "step": "60s",
        },
        trust_env=False,
        timeout=30,
    )
    assert answer.is_success, f"{query.expr}: {answer.text}"
    found: list[Any] = answer.json()["data"]["result"]
    return found


def of(panel: str) -> list[Query]:
    """Return the queries of a panel."""
    return [query for query in ASKED if query.panel == panel]


@pytest.mark.parametrize("query", ASKED, ids=lambda query: f"{query.dashboard}-{query.panel}")
def test_no_query_is_empty(address: str, query: Query) -> None:
    wait_for(lambda: ask(address, query), 30, f"an answer to {query.expr}")


def test_rightsizing_says_what_tries_took(address: str) -> None:
    tries, requested, half, most = (
        float(ask(address, query)[0]["value"][1])
        for query in (of("Memory requested and taken")[place] for place in (0, 1, 2, 4))
    )
    assert (tries, requested, half, most) == (4, 512e6, 250e6, 400e6)
    cores = [float(ask(address, query)[0]["value"][1]) for query in of("Cores requested and taken")]
    assert cores == [4, 0.25, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("chosen", "lines_"),
    [
        ({}, 7),
        ({"dag_id": "etl[.]daily"}, 5),
        ({"dag_id": "other"}, 0),
        ({"run_id": RUN}, 5),
        ({"run_id": "manual__2026-02"}, 0),
        ({"map_index": "2"}, 1),
        ({"map_index": "-1", "dag_id": "etl.*"}, 1),
        ({"component": "dag-processor"}, 2),
        ({"search": "no such"}, 1),
    ],
)
def test_lines_are_found_by_each_choice(address: str, chosen: dict[str, str], lines_: int) -> None:
    [query] = of("Lines")
    found = ask(address, query, **chosen)
    assert sum(len(each["values"]) for each in found) == lines_
