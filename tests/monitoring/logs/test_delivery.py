"""Lines come whole, in order, with true ids, and none is lost, whoever is killed."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from monitoring import collector, loki
from monitoring.options import Options
from tests.monitoring.logs.conftest import Site
from tests.monitoring.logs.node import Pod, stamp
from tests.waiting import wait_for

TASKS = {"k8s_namespace_name": "airflow-tasks"}
CONTROL_PLANE = {"k8s_namespace_name": "airflow"}
TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/opt/airflow/dags/shop.py", line 3, in load',
    "    rows = connection.execute(query)",
    "           ^^^^^^^^^^^^^^^^^^^^^^^^^",
    "psycopg.errors.UniqueViolation: duplicate key value",
    "DETAIL:  Key (id)=(1) already exists.",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "/opt/airflow/dags/shop.py", line 5, in <module>',
    "    load()",
    "ValueError: not loaded",
]


def test_an_entry_is_whole_and_knows_its_level(site: Site) -> None:
    pod = Pod(
        site.folder / "pods", "airflow", "airflow-scheduler-0", labels={"component": "scheduler"}
    )
    site.create(pod)
    long = json.dumps({"event": "ä" * 40_000, "level": "warning"}, ensure_ascii=False)
    query = "2026-11-24 18:00:00.000 UTC [7] ERROR:  no such relation\n\tSELECT *\n\tFROM nowhere"
    wanted = [
        (json.dumps({"event": "begun ✓", "level": "info"}, ensure_ascii=False), "info"),
        (query, "error"),
        (long, "warning"),
        ("\n".join(TRACEBACK), "error"),
        ("I1124 18:00:00.000000 1 main.go:1] plain  text, with two  spaces", None),
        ("ValueError: alone", None),
        ('{"event": "cut off', None),
    ]
    for text, _ in wanted:
        lines = [text] if text is long else text.split("\n")
        pod.write(*lines, stream="stdout" if text.startswith("{") else "stderr")
    found = site.wait(len(wanted), CONTROL_PLANE)
    assert [(line.text, line.labels.get("level")) for line in found] == wanted
    assert {line.labels["component"] for line in found} == {"scheduler"}
    assert {line.labels["service_name"] for line in found} == {"scheduler"}


@pytest.mark.parametrize(("numbers", "pieces"), [(200_000, 1), (800_000, 3)])
def test_a_long_line_is_whole_and_one_beyond_measure_is_cut_but_not_lost(
    site: Site, numbers: int, pieces: int
) -> None:
    pod = site.task("long")
    site.create(pod)
    text = "".join(f"{number:07d}" for number in range(numbers))
    pod.write(text)
    found: list[str] = []

    def whole() -> bool:
        found[:] = [line.text for line in site.lines(TASKS)]
        return sum(map(len, found)) >= len(text)

    wait_for(whole, 30, "all of it")
    print([len(piece) for piece in found])
    assert len(found) == pieces
    assert sum(map(len, found)) == len(text)
    assert "".join(sorted(found, key=text.index)) == text


def test_ten_thousand_lines_of_a_hundred_short_pods(site: Site) -> None:
    pods = [site.task(f"pod-{number}", task_id=f"täsk.{number % 10}", map_index=str(number))
            for number in range(100)]  # fmt: skip
    site.create(*pods)
    for pod in pods:
        pod.write(*(json.dumps({"event": f"line {number}"}) for number in range(100)))
    site.delete(*pods)
    found = site.wait(10_000, TASKS, 120)
    assert len(found) == 10_000
    by_pod = defaultdict(list)
    for line in found:
        by_pod[line.labels["k8s_pod_uid"]].append(line)
    assert len(by_pod) == 100
    for pod in pods:
        own = by_pod[pod.uid]
        assert [json.loads(line.text)["event"] for line in own] == [f"line {n}" for n in range(100)]
        for name in collector.IDS:
            assert {line.labels.get(name) for line in own} == {pod.annotations[name]}, name


def test_a_pod_that_kubernetes_tells_of_too_late_is_known_by_its_lines(site: Site) -> None:
    pod = site.task("unknown")
    ids = {"dag_id": "a", "run_id": "b", "task_id": "c", "try_number": 2, "map_index": -1}
    pod.write(json.dumps({"event": "x", "ti_id": "1", **ids}), "no ids in this one")
    found = site.wait(2, TASKS)
    assert {name: found[0].labels.get(name) for name in ids} == {
        name: str(value) for name, value in ids.items()
    }
    assert "dag_id" not in found[1].labels


def test_an_unmapped_task_has_the_map_index_of_one(site: Site) -> None:
    pod = site.task("unmapped")
    site.create(pod)
    pod.write("hello")
    pod.write("fetched", container="git-sync-init")
    found = site.wait(2, TASKS, map_index="-1")
    assert {line.labels["k8s_container_name"] for line in found} == {"base", "git-sync-init"}


def test_runs_make_no_streams(site: Site) -> None:
    first = site.task("first")
    site.create(first)
    first.write("first")
    site.wait(1, TASKS)
    before = site.series()
    pods = [site.task(f"run-{number}", run_id=f"run {number}", dag_id=f"dag {number % 50}")
            for number in range(1000)]  # fmt: skip
    site.create(*pods)
    for pod in pods:
        pod.write("one line")
    found = site.wait(1001, TASKS, 120)
    assert len({line.labels["run_id"] for line in found}) == 1001
    assert site.series() == before
    assert {name for stream in before for name, _ in stream} == {
        "k8s_namespace_name", "k8s_container_name", "service_name", "component",
    }  # fmt: skip


def test_a_rotated_file_is_read_on(site: Site) -> None:
    pod = site.task("rotated")
    site.create(pod)
    pod.write(*(f"old {number}" for number in range(50)))
    file = pod.file()
    file.rename(file.with_name("0.log.20261124-180000"))
    pod.write(*(f"new {number}" for number in range(50)))
    found = site.wait(100, TASKS)
    assert [line.text for line in found] == [
        f"{age} {number}" for age in ("old", "new") for number in range(50)
    ]


def test_what_was_rotated_while_the_collector_was_away_is_read(site: Site) -> None:
    pod = site.task("rotated")
    site.create(pod)
    pod.write("before")
    site.wait(1, TASKS)
    site.collector.stop()
    pod.write("unread")
    file = pod.file()
    file.rename(file.with_name("0.log.20261124-180000"))
    pod.write("newest")
    site.collector.start()
    found = site.wait(3, TASKS)
    assert [line.text for line in found] == ["before", "unread", "newest"]


@pytest.mark.parametrize("after", [0, 700, 3000])
def test_a_killed_collector_loses_nothing(site: Site, after: int) -> None:
    pods = [site.task(f"pod-{number}") for number in range(10)]
    site.create(*pods)
    for number in range(500):
        for pod in pods:
            pod.write(f"line {number}")
        if number == 250:
            wait_for(lambda: len(site.lines(TASKS)) >= after * 0.8, 60, "some lines")
            site.collector.kill()
            site.collector.start()
    found = site.wait(5000, TASKS, 120)
    for pod in pods:
        own = [line.text for line in found if line.labels["k8s_pod_uid"] == pod.uid]
        assert own == [f"line {number}" for number in range(500)]


def test_a_traceback_survives_the_collector(site: Site) -> None:
    pod = site.task("traceback")
    site.create(pod)
    pod.write("first")
    site.wait(1, TASKS)
    pod.write(*TRACEBACK[:4], stream="stderr")
    site.collector.kill()
    pod.write(*TRACEBACK[4:], stream="stderr")
    site.collector.start()
    found = site.wait(2, TASKS)
    print([line.text for line in found])
    assert "\n".join(line.text for line in found).count(TRACEBACK[1]) >= 1
    assert found[-1].text.endswith(TRACEBACK[-1])


def test_lines_wait_for_loki_even_through_a_restart(site: Site) -> None:
    pod = site.task("waiting")
    site.create(pod)
    pod.write("before")
    site.wait(1, TASKS)
    site.loki.kill()
    pod.write(*(f"line {number}" for number in range(2000)))
    # Read, and so only in the queue: a file that is gone can't be read again.
    database = site.folder / "otelcol"
    wait_for(lambda: _queued(database) == 2000, 30, "the lines in the queue on disk")
    pod.file().unlink()
    site.collector.kill()
    site.collector.start()
    site.loki.start()
    found = site.wait(2001, TASKS, 120)
    assert [line.text for line in found] == ["before", *(f"line {n}" for n in range(2000))]


def _queued(folder: Path) -> int:
    """How many of the lines are in the file of the collector's queue."""
    (queue,) = folder.glob("exporter_*")
    return len(set(re.findall(rb"line \d+\b", queue.read_bytes())))


def test_loki_killed_has_every_line_that_it_took(site: Site) -> None:
    pod = site.task("taken")
    site.create(pod)
    pod.write(*(f"line {number}" for number in range(1000)))
    site.wait(1000, TASKS)
    site.loki.kill()
    site.loki.start()
    assert len(site.wait(1000, TASKS)) == 1000


def test_loki_and_the_collector_take_their_configurations(
    tmp_path: Path, tool: Callable[[str], Path]
) -> None:
    file = tmp_path / "config.yaml"
    checks = (
        ("otelcol", collector.config, ["validate", f"--config={file}", *collector.ARGUMENTS]),
        ("loki", loki.config, ["-verify-config", f"-config.file={file}"]),
    )
    for program, config, arguments in checks:
        file.write_text(yaml.safe_dump(config(Options())))
        done = subprocess.run(
            [str(tool(program)), *arguments],
            capture_output=True, text=True, check=False, env={collector.NODE: "any"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_what_watches_does_not_write_about_its_own_lines(site: Site) -> None:
    names = ("collector-abcde", "loki-0", "prometheus-0")
    pods = [Pod(site.folder / "pods", "airflow-monitoring", name) for name in names]
    site.create(*pods)
    for pod in reversed(pods):
        pod.write(f"line of {pod.name}")
    found = site.wait(1, {"k8s_namespace_name": "airflow-monitoring"})
    assert [line.text for line in found] == ["line of prometheus-0"]


def test_a_nodes_backlog_is_taken_and_found(site: Site) -> None:
    new, late = site.task("new"), site.task("late")
    site.create(new, late)
    new.write("new")
    site.wait(1, TASKS)
    old = stamp(new.now() - 20 * 3600 * 10**9)
    late.file().write_text(f"{old} stdout F late\n")
    start, end = site.window()
    day = (start - 24 * 3600 * 10**9, end)
    wait_for(
        lambda: [line.text for line in site.lines(TASKS, window=day)] == ["late", "new"],
        60, "both lines",
    )  # fmt: skip
