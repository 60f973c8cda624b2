"""Recording rules of the control plane: scheduler, executor, pools, parsing and triggers."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules.model import Group, Record
from monitoring.rules.recording_expr import (
    EXPORTER,
    WINDOW,
    distribution,
    statsd_gauge,
    statsd_rate,
)


def groups(_: Options) -> list[Group]:
    """Return the groups of recording rules."""
    return [
        Group("updraft.scheduler", _scheduler()),
        Group("updraft.executor", _executor()),
        Group("updraft.parsing", _parsing()),
        Group("updraft.triggers", _triggers()),
    ]


def _scheduler() -> list[Record]:
    timings = {
        "scheduler_loop_seconds": "scheduler_scheduler_loop_duration",
        "critical_section_seconds": "scheduler_critical_section_duration",
        "critical_section_query_seconds": "scheduler_critical_section_query_duration",
        "executor_heartbeat_seconds": "scheduler_executor_heartbeat_duration",
    }
    counts = {
        "scheduler_heartbeats": "scheduler_heartbeat",
        "critical_section_busy": "scheduler_critical_section_busy",
        "tasks_killed_externally": "scheduler_tasks_killed_externally",
        "tasks_without_heartbeat": "task_instances_without_heartbeats_killed",
    }
    now = {
        "tasks_starving": "scheduler_tasks_starving",
        "tasks_executable": "scheduler_tasks_executable",
        "runs_running": "scheduler_dagruns_running",
    }
    return [
        *(
            rule
            for name, metric in timings.items()
            for rule in distribution(
                f"updraft:{name}", statsd_rate(f"{metric}_bucket", "le"), (50, 99)
            )
        ),
        *(
            Record(f"updraft:{name}:rate{WINDOW}", statsd_rate(metric))
            for name, metric in counts.items()
        ),
        *(
            Record(
                f"updraft:orphaned_tasks:rate{WINDOW}",
                statsd_rate(f"scheduler_orphaned_tasks_{action}"),
                {"action": action},
            )
            for action in ("adopted", "cleared")
        ),
        *(Record(f"updraft:{name}:max", statsd_gauge(metric)) for name, metric in now.items()),
    ]


def _executor() -> list[Record]:
    slots = {"open": "open_slots", "queued": "queued_tasks", "running": "running_tasks"}
    return [
        *(
            Record("updraft:executor_slots:max", statsd_gauge(f"executor_{name}"), {"state": state})
            for state, name in slots.items()
        ),
        Record(
            "updraft_pool:slots:max",
            f"max by (pool, state) (updraft_pool_slots{{{EXPORTER}}})",
        ),
        Record(
            "updraft_pool:slots_used:ratio",
            'sum by (pool) (updraft_pool:slots:max{state=~"queued|running"})'
            ' / (sum by (pool) (updraft_pool:slots:max{state="total"}) > 0)',
        ),
        Record(
            f"updraft:pod_creations:rate{WINDOW}",
            statsd_rate("kubernetes_executor_pod_creation_status", "status"),
        ),
        Record(
            f"updraft:pod_deletions:rate{WINDOW}",
            statsd_rate("kubernetes_executor_pod_deletion_status", "status"),
        ),
        *distribution(
            "updraft:pod_creation_seconds",
            statsd_rate("kubernetes_executor_pod_creation_bucket", "le"),
            (50, 99),
        ),
    ]


def _parsing() -> list[Record]:
    file = ("bundle_name", "file_name")
    return [
        *distribution(
            "updraft_file:parse_seconds",
            statsd_rate("dag_processing_last_duration_bucket", *file, "le"),
            (50, 95),
        ),
        Record(
            f"updraft_file:parses:rate{WINDOW}",
            statsd_rate("dag_processing_last_duration_count", *file),
        ),
        Record("updraft:parse_all_seconds:max", statsd_gauge("dag_processing_total_parse_time")),
        Record("updraft:parse_queue:max", statsd_gauge("dag_processing_file_path_queue_size")),
        Record(
            f"updraft:parse_timeouts:rate{WINDOW}",
            statsd_rate("dag_processing_processor_timeouts"),
        ),
        Record(
            f"updraft:callback_errors:rate{WINDOW}",
            statsd_rate("dag_callback_exceptions"),
        ),
        Record("updraft:import_errors:max", f"max(updraft_import_errors{{{EXPORTER}}})"),
    ]


def _triggers() -> list[Record]:
    return [
        Record(
            "updraft_triggerer:triggers_running:max", statsd_gauge("triggers_running", "hostname")
        ),
        Record(
            "updraft_triggerer:capacity_left:max",
            statsd_gauge("triggerer_capacity_left", "hostname"),
        ),
        Record(
            "updraft_triggerer:capacity_used:ratio",
            "updraft_triggerer:triggers_running:max / (updraft_triggerer:triggers_running:max"
            " + updraft_triggerer:capacity_left:max > 0)",
        ),
        Record(
            f"updraft:triggers_blocked:rate{WINDOW}",
            statsd_rate("triggers_blocked_main_thread"),
        ),
        *(
            Record(
                f"updraft:triggers_finished:rate{WINDOW}",
                statsd_rate(f"triggers_{result}"),
                {"result": result},
            )
            for result in ("succeeded", "failed")
        ),
    ]
