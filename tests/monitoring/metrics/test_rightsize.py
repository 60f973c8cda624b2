"""What tasks took is read from a real Loki, every line once however many pages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.cli import choices, rightsize, usage
from infra.cli import loki as client
from infra.cli.choices import Choices
from infra.cli.options import Options
from infra.cli.sizing import MIB
from infra.errors import UpdraftError
from infra.local.paths import Paths
from monitoring.options import Options as Watched

NAMESPACE = Watched().tasks
MINUTE = 60_000_000_000


def push(url: str, lines: list[tuple[int, str, str]], namespace: str = NAMESPACE) -> None:
    """Bring lines, each with its time and its DAG, as the collector does."""
    values = [[str(stamp), line, {"dag_id": dag_id}] for stamp, line, dag_id in lines]
    stream = {"k8s_namespace_name": namespace, "k8s_container_name": "base"}
    body = {"streams": [{"stream": stream, "values": values}]}
    answer = httpx.post(f"{url}/loki/api/v1/push", json=body, trust_env=False)
    assert answer.is_success, answer.text


@pytest.fixture
def on_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Run the command on a recorded platform with settings for monitoring."""
    monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path))

    def run(
        monitoring: dict[str, Any], dag: str | None, days: str = "1", shape: str = "json"
    ) -> None:
        chosen = Choices("a-cluster", "embedded", "embedded", "", "local", "", 8080)
        recorded = replace(chosen, overrides={"monitoring": monitoring})
        choices.write(Paths.for_instance("sized").state, recorded)
        rightsize.rightsize(Options(instance="sized"), dag, days, shape)

    return run


def line(dag_id: str, number: int) -> str:
    return json.dumps(
        {
            "event": "updraft.resources", "logger": "updraft.resources", "level": "info",
            "dag_id": dag_id, "task_id": "load", "run_id": f"run_{number}", "map_index": -1,
            "try_number": 1, "state": "success", "peak_memory_bytes": number, "cpu_seconds": 1.0,
            "seconds": 2.0, "memory_request": 256,
        }
    )  # fmt: skip


def test_every_try_is_read_once_from_several_pages(loki: str) -> None:
    began = time.time_ns() - 30 * MINUTE
    # Four tries end at each moment, and a page's end comes between them.
    many = [
        (began + number // 4 * 1_000_000, line("many", number), "many") for number in range(7001)
    ]
    push(loki, many)
    push(loki, [(began, line("größe", 1), "größe"), (began, "updraft.resources in words", "many")])
    push(loki, [(began, line("elsewhere", 1), "elsewhere")], namespace="other")
    found = usage.tries(loki, NAMESPACE, 1)
    print(len(found))
    assert len(found) == 7002
    peaks = [each.peak for each in found if each.dag_id == "many"]
    assert sorted(peaks) == list(range(7001))
    assert peaks[-1] == 7000
    assert {each.dag_id for each in found} == {"many", "größe"}
    assert [each.peak for each in usage.tries(loki, NAMESPACE, 1, "größe")] == [1]
    assert not usage.tries(loki, NAMESPACE, 1, 'no " such')
    assert not usage.tries(loki, NAMESPACE, 0.001)


def test_a_loki_that_refuses_or_is_away_is_told(loki: str) -> None:
    with pytest.raises(UpdraftError, match="Loki refuses with 4"):
        client.lines(loki, "{", 0, 1)
    with pytest.raises(UpdraftError, match="Loki does not answer") as told:
        usage.tries("http://127.0.0.1:1", NAMESPACE, 1)
    print(told.value)
    assert "make logs LOG=loki" in str(told.value)


def test_the_command_reads_the_clusters_own_loki(
    loki: str, on_platform: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    stamp = time.time_ns() - MINUTE
    push(loki, [(stamp + number, line("sized", 300 * MIB), "sized") for number in range(25)])
    watched = {"mode": "operator", "logs": {"url": loki}}
    on_platform(watched, "sized")
    (task,) = json.loads(capsys.readouterr().out)["tasks"]
    print(task)
    assert (task["tries"], task["sure"], task["cpu_request"]) == (25, True, 0.5)
    assert (task["memory_request"], task["memory_limit"]) == (320 * MIB, 384 * MIB)
    on_platform(watched, "sized", shape="table")
    assert "sure (25 tries)" in " ".join(capsys.readouterr().out.split())


def test_the_command_says_what_is_missing(loki: str, on_platform: Callable[..., None]) -> None:
    watched = {"mode": "operator", "logs": {"url": loki}}
    for monitoring, arguments, expected in (
        ({"mode": "none"}, (None,), "this platform has no Loki"),
        ({"mode": "operator"}, (None,), "this platform has no Loki"),
        (watched, ("nobody",), "no task of nobody has told what it took in the last 1 days"),
        (watched, (None, "a week"), 'DAYS is "a week"'),
        (watched, (None, "1", "xml"), 'FORMAT is "xml"'),
    ):
        with pytest.raises(UpdraftError, match=expected) as told:
            on_platform(monitoring, *arguments)
        print(told.value)
        assert "fix:" in str(told.value)
