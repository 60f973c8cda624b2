"""The panels: what each asks, of whom, and what it answers to whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk.configuration import conf
from starlette.concurrency import run_in_threadpool

from updraft import settings
from updraft.platform import database
from updraft.platform.access import Viewer
from updraft.platform.ranges import Range
from updraft.platform.servers import Series, at, over_time

Answer = dict[str, Any]
# Resources of a quota as people call them, in the order in which they are shown, and their unit.
QUOTA = {
    "pods": ("pods", "pods"),
    "requests.cpu": ("CPU requested", "cores"),
    "limits.cpu": ("CPU limit", "cores"),
    "requests.memory": ("memory requested", "bytes"),
    "limits.memory": ("memory limit", "bytes"),
}
PHASES = ("Running", "Pending", "Succeeded", "Failed", "Unknown")
PERCENTILES = (50, 90, 99)
_BUCKETS = "updraft:task_start_seconds_bucket:rate5m"
_FINISHED = "updraft:tasks_finished:rate5m"
_QUOTA = "updraft_namespace:quota:max{namespace=$namespace}"
_USED = "updraft_namespace:quota_used:ratio{namespace=$namespace}"
_TASK = "{dag_id=$dag_id, task_id=$task_id}"


@dataclass(frozen=True, slots=True)
class Question:
    """What a visitor asks for, beside the panel.

    Args:
        viewer: Who.
        range: Of which time.
        page: Of a list, its page from 0 on.
        dag_id: Of the panel about one task.
        task_id: The task.
        run_id: The only run; empty for all.
        map_index: The only one of a mapped task's instances.

    Example:
        >>> from updraft.platform.access import Viewer
        >>> Question(Viewer("somebody"), Range.of("6h"), dag_id="shop", task_id="sell").page
        0
    """

    viewer: Viewer
    range: Range
    page: int = 0
    dag_id: str = ""
    task_id: str = ""
    run_id: str = ""
    map_index: int | None = None

    async def lines(self, query: str, **values: str) -> list[Series]:
        """Return a query's series over the range."""
        filled = self.range.fill(query, namespace=_namespace(), **values)
        return await over_time(filled, self.range.start, self.range.end, self.range.step)

    async def now(self, query: str, **values: str) -> list[tuple[Mapping[str, str], float]]:
        """Return a query's values at the range's end."""
        return await at(self.range.fill(query, namespace=_namespace(), **values), self.range.end)


async def control(question: Question) -> Answer:
    """Whether each part of the control plane is up, by Airflow's own record."""
    await question.viewer.require_platform()
    return {"rows": await run_in_threadpool(database.health)}


async def quota(question: Question) -> Answer:
    """How much of the task pods' quota is used: numbers now, and shares over time."""
    await question.viewer.require_platform()
    now, shares = await asyncio.gather(
        question.now(_QUOTA),
        question.lines(f"max by (resource) (max_over_time({_USED}[${{window}}s]))"),
    )
    values: dict[str, dict[str, float]] = {}
    for labels, value in now:
        values.setdefault(labels["resource"], {})[labels["type"]] = value
    return {
        "stats": [
            _stat(QUOTA[name][0], values[name]["used"], QUOTA[name][1], of=values[name]["hard"])
            for name in QUOTA
            if values.get(name, {}).keys() >= {"used", "hard"}
        ],
        "series": _named(shares, "resource", {name: label for name, (label, _) in QUOTA.items()}),
    }


async def waiting(question: Question) -> Answer:
    """Tasks that are queued, now and over time, and how long the oldest of them has been."""
    await question.viewer.require_platform()
    queued = 'max(max_over_time(updraft_task_instances{state="queued"}[${window}s]))'
    lines, now, oldest = await asyncio.gather(
        question.lines(queued),
        question.now('max(updraft_task_instances{state="queued"})'),
        question.now("max(updraft_oldest_queued_seconds)"),
    )
    return {
        "stats": [
            *(_stat("queued now", value, "tasks") for _, value in now),
            *(_stat("oldest waits for", value, "seconds") for _, value in oldest),
        ],
        "series": _renamed(lines, "queued"),
    }


async def pods(question: Question) -> Answer:
    """Task pods by their phase, over time."""
    await question.viewer.require_platform()
    query = (
        "sum by (phase) (max_over_time("
        "updraft_namespace:pods:sum{namespace=$namespace}[${window}s]))"
    )
    found = _named(await question.lines(query), "phase", {name: name for name in PHASES})
    now = [_stat(each["name"], each["last"], "pods") for each in found if each["last"] is not None]
    return {"stats": now, "series": found}


async def start(question: Question) -> Answer:
    """Seconds from queued to started: percentiles over time and of the range, and the objective."""
    await question.viewer.require_platform()
    seconds = objective()
    soon = f'{_BUCKETS}{{le=~"{seconds}([.]0)?"}}'
    every = f'{_BUCKETS}{{le="+Inf"}}'
    in_time = (
        f"sum(sum_over_time({soon}[${{range}}s])) / (sum(sum_over_time({every}[${{range}}s])) > 0)"
    )
    lines = await asyncio.gather(
        *(question.lines(_percentile(each, "window")) for each in PERCENTILES)
    )
    whole = await asyncio.gather(
        *(question.now(_percentile(each, "range")) for each in PERCENTILES), question.now(in_time)
    )
    return {
        "stats": [
            *(
                _stat(f"p{each}", value, "seconds")
                for each, found in zip(PERCENTILES, whole, strict=False)
                for _, value in found
            ),
            *(_stat(f"within {seconds} s", value, "ratio") for _, value in whole[-1]),
        ],
        "series": [
            each
            for number, found in zip(PERCENTILES, lines, strict=True)
            for each in _renamed(found, f"p{number}")
        ],
        "objective": seconds,
    }


async def throughput(question: Question) -> Answer:
    """Tasks finished a minute, by state, and how many in the whole range."""
    await question.viewer.require_platform()
    lines, totals = await asyncio.gather(
        question.lines(f"sum by (state) (avg_over_time({_FINISHED}[${{window}}s])) * 60"),
        question.now(
            f"sum by (state) (sum_over_time({_FINISHED}[${{range}}s:${{step}}s])) * $step"
        ),
    )
    order = ("success", "failed", "up_for_retry", "up_for_reschedule", "skipped")
    known = {
        **{name: name for name in order},
        **{each.labels["state"]: each.labels["state"] for each in lines},
    }
    amounts = {labels["state"]: value for labels, value in totals}
    return {
        "stats": [
            _stat(name, round(amounts[name]), "tasks")
            for name in known
            if amounts.get(name, 0) >= 1
        ],
        "series": _named(lines, "state", {name: name.replace("_", " ") for name in known}),
    }


async def failures(question: Question) -> Answer:
    """The failed tasks of the DAGs that the viewer may read, by Airflow's own record."""
    readable = await question.viewer.require_tasks()
    return await run_in_threadpool(database.failures, readable, question.range.start, question.page)


async def task(question: Question) -> Answer:
    """One task: its last tries, and what its pods use against what they asked for."""
    await question.viewer.require_dag(question.dag_id)
    rows = await run_in_threadpool(
        database.tries, question.dag_id, question.task_id, question.run_id, question.map_index
    )
    return {"rows": rows}


async def task_cpu(question: Question) -> Answer:
    """Cores that one task's pods use and have asked for, over time."""
    return await _task_resource(question, "cpu_used_cores", "cpu_requested_cores")


async def task_memory(question: Question) -> Answer:
    """Bytes that one task's pods use and have asked for, over time."""
    return await _task_resource(question, "memory_used_bytes", "memory_requested_bytes")


async def _task_resource(question: Question, *metrics: str) -> Answer:
    await question.viewer.require_dag(question.dag_id)
    names = {"dag_id": json.dumps(question.dag_id), "task_id": json.dumps(question.task_id)}
    found = await asyncio.gather(
        *(
            question.lines(f"max_over_time(updraft_task:{each}:sum{_TASK}[${{window}}s])", **names)
            for each in metrics
        )
    )
    lines = [
        each for name, series in zip(("used", "requested"), found, strict=True)
        for each in _renamed(series, name)
    ]  # fmt: skip
    unit = "bytes" if "bytes" in metrics[0] else "cores"
    most = {each["name"]: max(v for _, v in each["points"] if v is not None) for each in lines}
    return {
        "stats": [_stat(f"most {name}", value, unit) for name, value in most.items()],
        "series": lines,
    }


def objective() -> int:
    """Seconds within which a task should start after it was queued."""
    return int(settings.text("task_start_seconds", "30"))


def _percentile(number: int, window: str) -> str:
    buckets = f"sum by (le) (avg_over_time({_BUCKETS}[${{{window}}}s]))"
    return f"histogram_quantile({number / 100}, {buckets}) >= 0"


def _namespace() -> str:
    """The task pods' namespace, as PromQL writes a string."""
    return json.dumps(conf.get("kubernetes_executor", "namespace", fallback="airflow-tasks"))


def _stat(label: str, value: float, unit: str, *, of: float | None = None) -> Answer:
    return {"label": label, "value": value, "unit": unit, "of": of}


def _renamed(series: Iterable[Series], name: str) -> list[Answer]:
    return [{"name": name, "points": each.points, "last": each.last} for each in series]


def _named(series: Iterable[Series], label: str, names: Mapping[str, str]) -> list[Answer]:
    """Return the series that have one of the names, in the names' order."""
    by_name = {each.labels.get(label, ""): each for each in series}
    return [
        each for key, name in names.items() if key in by_name
        for each in _renamed([by_name[key]], name)
    ]  # fmt: skip


Panel = Callable[[Question], Awaitable[Answer]]
