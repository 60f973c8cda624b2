"""Recording rules of the control plane: scheduler, executor, pools, parsing and triggers."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules.events import airflow
from monitoring.rules.model import Group, Record
from monitoring.rules.recording_expr import (
    EXPORTER,
    WINDOW,
    distribution,
    statsd_gauge,
    statsd_rate,
    text,
)
from monitoring.rules.recording_pods import state_metric


def groups(options: Options) -> list[Group]:
    """Return the groups of recording rules."""
    return [
        Group("updraft.scheduler", _scheduler()),
        Group("updraft.executor", _executor()),
        Group("updraft.parsing", _parsing()),
        Group("updraft.triggers", _triggers(options)),
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


def _of_triggerers(metric: str, options: Options) -> str:
    """A gauge of each triggerer, by its pod.

    A pod that is gone stays in the StatsD exporter for ten minutes, with room that nobody has.
    """
    running = state_metric(
        "kube_pod_status_phase", f'phase="Running", namespace={text(options.control_plane)}'
    )
    # A StatefulSet's pod goes by its full domain name.
    by_pod = f'label_replace({airflow(metric)}, "pod", "$1", "hostname", "([^.]+).*")'
    return f"max by (pod) ({by_pod}) and on (pod) max by (pod) ({running}) == 1"


def _triggers(options: Options) -> list[Record]:
    return [
        Record(
            "updraft_triggerer:triggers_running:max", _of_triggerers("triggers_running", options)
        ),
        Record(
            "updraft_triggerer:capacity_left:max",
            _of_triggerers("triggerer_capacity_left", options),
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
