"""Recording rules of tasks and runs: how soon, how many, how long, and what they moved."""

from __future__ import annotations

from typing import Final

from monitoring.options import Options
from monitoring.rules.model import Group, Record
from monitoring.rules.recording_expr import (
    EXPORTER,
    EXPORTER_JOB,
    WINDOW,
    by,
    distribution,
    quantiles,
    statsd_rate,
    young_rate,
)

_QUEUE_TO_START: Final = "updraft_task_queue_to_start_seconds"
_MOVED: Final = {
    "transfer_rows": "updraft_transfer_rows",
    "transfer_bytes": "updraft_transfer_bytes",
    "quarantined_rows": "updraft_quality_quarantined",
    "poison_records": "updraft_poison_records",
}


def groups(options: Options) -> list[Group]:
    """Return the groups of recording rules."""
    return [
        Group("updraft.task-start", _start(options)),
        Group("updraft.tasks", _tasks()),
        Group("updraft.runs", _runs()),
        Group("updraft.data", _data()),
    ]


def _start(options: Options) -> list[Record]:
    rules: list[Record] = []
    for level, labels in (("updraft_dag", ["dag_id"]), ("updraft", [])):
        waits = f"{_QUEUE_TO_START}_bucket{{{EXPORTER}}}"
        rates = young_rate(waits, EXPORTER_JOB, *labels, "le")
        rules += distribution(f"{level}:task_start_seconds", rates, (50, 90, 99))
        buckets = f"{level}:task_start_seconds_bucket:rate{WINDOW}"
        # Prometheus 3 writes a bound as 30.0, and 2 as 30.
        soon = f'{buckets}{{le=~"{options.task_start_seconds}([.]0)?"}}'
        started = f'{buckets}{{le="+Inf"}}'
        rules += [
            Record(f"{level}:tasks_started:rate{WINDOW}", f"sum{by(labels)} ({started})"),
            Record(
                f"{level}:task_start_in_time:ratio{WINDOW}",
                f"sum{by(labels)} ({soon}) / (sum{by(labels)} ({started}) > 0)",
            ),
        ]
    return rules


def _tasks() -> list[Record]:
    task = ("dag_id", "task_id")
    finished = f"updraft_task:tasks_finished:rate{WINDOW}"
    dag_finished = f"updraft_dag:tasks_finished:rate{WINDOW}"
    return [
        Record(finished, statsd_rate("ti_finish", *task, "state")),
        Record(dag_finished, f"sum by (dag_id, state) ({finished})"),
        Record(f"updraft:tasks_finished:rate{WINDOW}", f"sum by (state) ({dag_finished})"),
        *distribution(
            "updraft_task:task_duration_seconds",
            statsd_rate("task_duration_bucket", *task, "le"),
            (50, 95, 99),
        ),
        *distribution(
            "updraft:task_scheduled_seconds",
            statsd_rate("task_scheduled_duration_bucket", "le"),
            (50, 95),
        ),
    ]


def _runs() -> list[Record]:
    rules: list[Record] = []
    for state in ("success", "failed"):
        duration = f"dagrun_duration_{state}"
        rules += [
            Record(
                f"updraft_dag:runs_finished:rate{WINDOW}",
                statsd_rate(f"{duration}_count", "dag_id"),
                {"state": state},
            ),
            Record(
                f"updraft_dag:run_duration_seconds_bucket:rate{WINDOW}",
                statsd_rate(f"{duration}_bucket", "dag_id", "le"),
                {"state": state},
            ),
        ]
    rules += quantiles("updraft_dag:run_duration_seconds", (50, 95))
    rules.append(
        Record(
            f"updraft:runs_finished:rate{WINDOW}",
            f"sum by (state) (updraft_dag:runs_finished:rate{WINDOW})",
        )
    )
    for name, metric in (
        ("schedule_delay_seconds", "dagrun_schedule_delay"),
        ("first_task_start_seconds", "dagrun_first_task_start_delay"),
    ):
        buckets = statsd_rate(f"{metric}_bucket", "dag_id", "le")
        rules += distribution(f"updraft_dag:{name}", buckets, (50, 95))
    rules += [
        Record(
            f"updraft_dag:deadlines:rate{WINDOW}",
            statsd_rate(f"deadline_alerts_deadline_{event}", "dag_id"),
            {"result": result},
        )
        for result, event in (("missed", "missed"), ("met", "not_missed"))
    ]
    return rules


def _data() -> list[Record]:
    task = ("dag_id", "task_id")
    return [
        *(
            Record(f"updraft_task:{name}:rate{WINDOW}", statsd_rate(metric, *task))
            for name, metric in _MOVED.items()
        ),
        Record(
            f"updraft_task:quality_checks:rate{WINDOW}",
            statsd_rate("updraft_quality_checks", *task, "result"),
        ),
        Record(
            f"updraft:circuits_opened:rate{WINDOW}",
            statsd_rate("updraft_circuit_opened", "source"),
        ),
        Record(
            f"updraft:notifications:rate{WINDOW}",
            statsd_rate("updraft_notifications", "kind", "result"),
        ),
    ]
