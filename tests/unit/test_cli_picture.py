"""A run's picture shows each pod's wait and run on one axis, and stands alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from infra.cli.instances import TaskInstance
from infra.cli.picture import QUEUED, RUNNING, bars, timeline
from infra.cli.runs import RunReport, TaskPod

START = datetime(2026, 1, 1, tzinfo=UTC)


def instance(index: int, queued: float, started: float | None, ended: float | None) -> TaskInstance:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else START + timedelta(seconds=seconds)

    return TaskInstance(
        task_id="process",
        map_index=index,
        state="success",
        try_number=1,
        scheduled=at(queued),
        queued=at(queued),
        started=at(started),
        ended=at(ended),
    )


def report() -> RunReport:
    found = RunReport("dag<&>", "run", "success")
    found.instances = [instance(1, 0, 6, 9), instance(0, 0, 2, 4), instance(2, 0, None, None)]
    found.pods = {("process", 0, 1): TaskPod("process-0-abc", "Succeeded", "node", "")}
    return found


def test_bars_are_ordered_by_their_start_and_hold_only_what_ran() -> None:
    assert [(bar.label, bar.queued, bar.started, bar.ended) for bar in bars(report())] == [
        ("process-0-abc", 0.0, 2.0, 4.0),
        ("process 1", 0.0, 6.0, 9.0),
    ]


def test_the_picture_is_well_formed_scaled_and_names_nothing_elsewhere() -> None:
    text = timeline(report())
    root = ElementTree.fromstring(text)  # noqa: S314 - made above
    boxes = [box for box in root.iter("{http://www.w3.org/2000/svg}rect") if "y" in box.attrib]
    waits = [float(box.attrib["width"]) for box in boxes if box.attrib["fill"] == QUEUED][1:]
    runs = [float(box.attrib["width"]) for box in boxes if box.attrib["fill"] == RUNNING][1:]
    assert len(waits) == len(runs) == 2
    assert waits[1] / waits[0] == 3
    assert runs[1] / runs[0] == 1.5
    assert text.count("http") == 1


def test_a_run_without_pods_is_an_empty_picture() -> None:
    assert "0 pods" in timeline(RunReport("dag", "run"))
