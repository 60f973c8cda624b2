"""make logs leaves out no pod of a try that had several, and asks Loki where one may have gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.cli import archived_logs
from infra.cli.instances import TaskInstance
from infra.cli.logs import Part, header, parts
from infra.cli.loki import Line
from infra.cli.runs import TaskPod, pods_of

NOW = datetime.now(UTC).replace(microsecond=0)
KEY = ("wait", -1, 1)
# Minutes for which finished pods stay: long, for NOW is that of the import, and tests come before.
KEPT = 24 * 60


def item(name: str, created: datetime, *, dag: str = "shop") -> dict[str, Any]:
    """A pod as Kubernetes lists it."""
    notes = {"dag_id": dag, "run_id": "r", "task_id": "wait", "try_number": "1"}
    stamp = created.isoformat().replace("+00:00", "Z")
    metadata = {"name": name, "annotations": notes, "creationTimestamp": stamp}
    return {"metadata": metadata, "spec": {"nodeName": "n"}, "status": {"phase": "Succeeded"}}


def line(pod: str, second: int) -> Line:
    return Line(second, f"{pod} at {second}", {"k8s_pod_name": pod})


def instance(started: datetime | None, number: int = 1) -> TaskInstance:
    return TaskInstance("wait", -1, "success", number, None, None, started, None)


def run(begun: datetime) -> dict[str, str | None]:
    return {"run_after": begun.isoformat(), "start_date": None, "end_date": None}


def test_a_try_has_all_its_pods_in_the_order_in_which_they_were_made() -> None:
    later, earlier = item("a-second", NOW), item("b-first", NOW - timedelta(minutes=3))
    found = pods_of([later, earlier, item("other", NOW, dag="other")], "shop", "r")
    assert {key: [pod.name for pod in pods] for key, pods in found.items()} == {
        KEY: ["b-first", "a-second"]
    }


def test_of_a_deferred_try_both_halves_are_printed_each_once() -> None:
    pods = pods_of([item("second", NOW)], "shop", "r")
    archived = {KEY: [line("first", 1), line("first", 2), line("second", 5)]}
    found = list(parts({KEY}, pods, archived))
    print(*found, sep="\n")
    assert found == [
        Part(KEY, "first", lines=[line("first", 1), line("first", 2)]),
        Part(KEY, "second", "Succeeded"),
    ]


def test_a_try_of_which_nothing_is_left_is_named() -> None:
    gone = ("wait", -1, 2)
    found = list(parts({KEY, gone}, pods_of([item("first", NOW)], "shop", "r"), {}))
    assert found == [Part(KEY, "first", "Succeeded"), Part(gone)]


@pytest.mark.parametrize(
    ("part", "state", "told"),
    [
        (Part(KEY, "p", "Succeeded"), "failed", "wait, try 1, pod p: failed"),
        (Part(KEY, "p", "Running"), "running", "wait, try 1, pod p (Running): running"),
        (Part(KEY, "p", "Pending"), "queued", "wait, try 1, pod p (Pending): queued"),
        (Part(KEY, "p"), "success", "wait, try 1, pod p (gone; from Loki): success"),
        (Part(KEY), "failed", "wait, try 1: failed; its pod has gone, and Loki has no line of it"),
    ],
)
def test_a_header_tells_the_tasks_state_and_the_phase_of_a_pod_that_has_not_ended(
    part: Part, state: str, told: str
) -> None:
    print(header(part, state))
    assert header(part, state) == f"=== {told}"


YOUNG, OLD = run(NOW - timedelta(minutes=5)), run(NOW - timedelta(minutes=KEPT + 1))
STARTED = NOW - timedelta(minutes=4)
BEFORE = STARTED - timedelta(seconds=5)


@pytest.mark.parametrize(
    ("instances", "made", "begun", "asked"),
    [
        ([instance(STARTED)], [BEFORE], YOUNG, False),
        ([instance(STARTED)], [BEFORE, NOW], YOUNG, False),
        ([instance(None)], [], YOUNG, False),
        ([instance(STARTED)], [NOW], YOUNG, True),
        ([instance(STARTED)], [], YOUNG, True),
        ([instance(STARTED, number=2)], [BEFORE], YOUNG, True),
        ([instance(STARTED)], [BEFORE], OLD, True),
    ],
    ids=[
        "whole",
        "both halves",
        "not begun",
        "the second half alone",
        "no pod",
        "an earlier try without one",
        "old enough to be cleaned up",
    ],
)
def test_loki_is_asked_where_a_pod_may_have_gone(
    instances: list[TaskInstance], made: list[datetime], begun: dict[str, Any], *, asked: bool
) -> None:
    found = {KEY: [TaskPod(f"pod-{at}", "Succeeded", "n", "", at) for at in made]} if made else {}
    assert archived_logs.may_lack(instances, found, begun, KEPT) is asked
