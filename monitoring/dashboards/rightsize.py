"""Rightsizing: what each try of a task really took, against what its pod asked for."""

from __future__ import annotations

from monitoring.dashboards.common import CORES, DAG, WARN, see_row
from monitoring.dashboards.model import Column, Dashboard, Row, Variable
from monitoring.dashboards.panels import table, timeseries
from monitoring.options import Options

_TASK = Variable("task_id", "Task", "Regular expression of task ids")
# The fields of the line are updraft.resources' (operators/updraft/resources.py).
_MEMORY, _MEMORY_REQUEST = "peak_memory_bytes", "memory_request"
_CPU, _SECONDS, _CPU_REQUEST = "cpu_seconds", "seconds", "cpu_request"
_FIELDS = ", ".join(
    f'{name}="{name}"' for name in (_MEMORY, _MEMORY_REQUEST, _CPU, _SECONDS, _CPU_REQUEST)
)


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-rightsize",
        "Updraft: rightsizing",
        "What each try of a task really took, against what its pod asked for.",
        [_memory(options), _cpu(options)],
        [DAG, _TASK],
        time_from="now-7d",
        refresh="1h",
    )


def _lines(options: Options) -> str:
    return (
        f'{{k8s_namespace_name="{options.tasks}"}} |= `"updraft.resources"`'
        f' | dag_id=~"$dag_id" | task_id=~"$task_id" | json {_FIELDS}'
    )


def _over_range(function: str, value: str, options: Options) -> str:
    """LogQL: a function of a field of the lines of the time range, by task."""
    return _by_task(function, _lines(options), value)


def _by_task(function: str, lines: str, value: str) -> str:
    return f'{function}{lines} | unwrap {value} | __error__="" [$__range]) by (dag_id, task_id)'


def _cores(options: Options) -> str:
    return (
        f"{_lines(options)} | {_SECONDS} > 0"
        f" | label_format cores=`{{{{divf .{_CPU} .{_SECONDS}}}}}`"
    )


def _columns(unit: str) -> list[Column]:
    return [
        Column("dag_id", "dag_id", link=see_row("updraft-dags", "DAG", "dag_id")),
        Column(
            "task_id",
            "task_id",
            link=see_row("updraft-pods", "Pods", "dag_id", "task_id"),
        ),
        # Of fewer tries a quantile says little.
        Column("Value #A", "Tries (how sure)", "short", {0: WARN, 20: "green"}),
        Column("Value #B", "Requested", unit),
        Column("Value #C", "Half of them took", unit),
        Column("Value #D", "95 % took", unit),
        Column("Value #E", "The most", unit),
    ]


def _memory(options: Options) -> Row:
    tries = f"sum by (dag_id, task_id) (count_over_time({_lines(options)} [$__range]))"
    return Row(
        "Memory of a pod",
        [
            table(
                "Memory requested and taken",
                "bytes",
                "The most that the pod of a try held at once. A request a little above the most is"
                " safe; with fewer than 20 tries, wait for more.",
                {
                    "tries": tries,
                    "requested": _over_range("max_over_time(", _MEMORY_REQUEST, options),
                    "p50": _over_range("quantile_over_time(0.5, ", _MEMORY, options),
                    "p95": _over_range("quantile_over_time(0.95, ", _MEMORY, options),
                    "max": _over_range("max_over_time(", _MEMORY, options),
                },
                _columns("bytes"),
                source="loki",
                height=10,
            ),
            timeseries(
                "Memory of tries over time",
                "bytes",
                "The most that a try of each task took; a line that climbs outgrows its request.",
                {
                    "{{dag_id}} {{task_id}}": f"max_over_time({_lines(options)} | unwrap {_MEMORY}"
                    ' | __error__="" [$__auto]) by (dag_id, task_id)'
                },
                source="loki",
                width=24,
            ),
        ],
    )


def _cpu(options: Options) -> Row:
    tries = f"sum by (dag_id, task_id) (count_over_time({_cores(options)} [$__range]))"
    return Row(
        "CPU of a pod",
        [
            table(
                "Cores requested and taken",
                CORES,
                "CPU time of a try divided by its duration. A request near what 95 % took keeps"
                " tasks fast; one above the most is wasted.",
                {
                    "tries": tries,
                    "requested": _over_range("max_over_time(", _CPU_REQUEST, options) + " / 1000",
                    "p50": _by_task("quantile_over_time(0.5, ", _cores(options), "cores"),
                    "p95": _by_task("quantile_over_time(0.95, ", _cores(options), "cores"),
                    "max": _by_task("max_over_time(", _cores(options), "cores"),
                },
                _columns(CORES),
                source="loki",
                decimals=2,
                height=10,
            ),
        ],
    )
