"""The metrics that Airflow, the package's code and the exporter give, each with its labels.

Names are StatsD's, without the prefix; `series` gives what Prometheus has. A test replays all of
them through the real exporter, as the code that sends them does, and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Buckets = tuple[float, ...]

PREFIX = "airflow"
# Calls and loops of the control plane.
CALL: Buckets = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# A DAG file's parsing; Airflow's own limits are 30 and 50 s.
PARSE: Buckets = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 50, 120)
# Waiting before a run or a task begins.
WAIT: Buckets = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 21600)
# Tasks and runs, up to two days.
RUN: Buckets = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400, 172800)
# What nobody has named here, such as an author's own timing.
ANY: Buckets = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400)


@dataclass(frozen=True, slots=True)
class Metric:
    """What becomes of a metric.

    Args:
        kind: What Prometheus has; a histogram is in seconds.
        labels: The labels that stay.
        unused: Tags that are sent and taken away, since their values say nothing or have no end.
        buckets: A histogram's upper bounds in seconds.
        scale: What a value is multiplied by.
    """

    kind: Kind
    labels: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    buckets: Buckets = ANY
    scale: float = 1


DAG = ("dag_id",)
TASK = ("dag_id", "task_id")
FILE = ("bundle_name", "file_path")


def _each(prefix: str, names: str, metric: Metric) -> dict[str, Metric]:
    return {f"{prefix}{name}": metric for name in names.split()}


STATSD: Mapping[str, Metric] = {
    # Jobs and heartbeats.
    **_each("", "job_start job_end job_heartbeat_failure", Metric("counter")),
    **_each("", "scheduler_heartbeat dag_processor_heartbeat", Metric("counter")),
    **_each("", "triggerer_heartbeat schedulerjobrunner_end", Metric("counter")),
    # Tasks. By operator they are counted over all DAGs: by task, ti_failures has them.
    **_each("operator_", "failures successes", Metric("counter", ("operator_name",), unused=TASK)),
    **_each("ti_", "failures successes", Metric("counter", TASK)),
    **_each("", "previously_succeeded ti.start", Metric("counter", TASK)),
    "task_instances_without_heartbeats_killed": Metric("counter", TASK),
    "scheduler.tasks.killed_externally": Metric("counter", TASK),
    "ti.finish": Metric("counter", (*TASK, "state")),
    "local_task_job.task_exit": Metric("counter", (*TASK, "return_code")),
    **_each(
        "ti.", "scheduled queued running deferred awaiting_input", Metric("gauge", (*TASK, "queue"))
    ),
    "task.duration": Metric("histogram", TASK, buckets=RUN),
    **_each(
        "task.",
        "scheduled_duration queued_duration",
        Metric("histogram", TASK, unused=("queue",), buckets=WAIT),
    ),
    **_each(
        "", "task_removed_from_dag task_restored_to_dag", Metric("counter", (*DAG, "run_type"))
    ),
    "task_instance_created": Metric("counter", (*DAG, "run_type", "task_type")),
    **_each(
        "resumable_job.",
        "fresh_submit already_succeeded terminal_resubmit reconnect_attempt reconnect_success",
        Metric("counter", ("operator",)),
    ),
    # Runs.
    "dagrun.dependency-check": Metric("histogram", DAG, unused=("run_type",), buckets=CALL),
    **_each(
        "dagrun.duration.",
        "success failed",
        Metric("histogram", (*DAG, "run_type"), buckets=RUN),
    ),
    "dagrun.schedule_delay": Metric("histogram", DAG, buckets=WAIT),
    **_each(
        "dagrun.",
        "first_task_scheduling_delay first_task_start_delay",
        Metric("histogram", DAG, unused=("run_type",), buckets=WAIT),
    ),
    "dag.callback_exceptions": Metric("counter", DAG),
    "deadline_alerts.deadline_created": Metric("counter", DAG),
    **_each(
        "deadline_alerts.",
        "deadline_missed deadline_not_missed",
        Metric("counter", DAG),
    ),
    # A deadline's callback; what it was given and returned is no label.
    **_each(
        "deadline_alerts.",
        "callback_success callback_failed",
        Metric("counter", DAG, unused=("path", "result", "kwargs", "dag_run_id", "executor")),
    ),
    # DAG files.
    **_each(
        "dag_processing.",
        "other_callback_count callback_only_count file_path_queue_update_count manager_stalls",
        Metric("counter"),
    ),
    **_each("", "dag_file_processor_timeouts dag_file_refresh_error", Metric("counter")),
    "dag_processing.processor_timeouts": Metric("counter", ("file_path",)),
    **_each(
        "dag_processing.",
        "import_errors total_parse_time file_path_queue_size",
        Metric("gauge"),
    ),
    "dagbag_size": Metric("gauge"),
    "dag_processing.last_run.seconds_ago": Metric("gauge", FILE, unused=("file_name",)),
    # Airflow gives seconds where StatsD has milliseconds.
    "dag_processing.last_duration": Metric(
        "histogram", ("bundle_name", "file_name"), buckets=PARSE, scale=1000
    ),
    # Scheduler and executor.
    **_each("scheduler.orphaned_tasks.", "cleared adopted", Metric("counter")),
    "scheduler.critical_section_busy": Metric("counter"),
    **_each("scheduler.tasks.", "starving executable", Metric("gauge")),
    "scheduler.dagruns.running": Metric("gauge"),
    **_each(
        "scheduler.",
        "critical_section_duration critical_section_query_duration scheduler_loop_duration",
        Metric("histogram", buckets=CALL),
    ),
    "scheduler.executor_heartbeat_duration": Metric("histogram", ("executor",), buckets=CALL),
    **_each(
        "executor.",
        "open_slots queued_tasks running_tasks",
        Metric("gauge", ("executor_class_name",), unused=("status",)),
    ),
    **_each(
        "pool.",
        "open_slots queued_slots running_slots deferred_slots scheduled_slots starving_tasks",
        Metric("gauge", ("pool_name",)),
    ),
    "collect_db_dags": Metric("histogram", buckets=CALL),
    **{
        f"{component}.dag_bag.{name}": Metric("gauge" if name == "cache_size" else "counter")
        for component in ("api_server", "scheduler")
        for name in ("cache_hit", "cache_miss", "cache_clear", "cache_size")
    },
    # Pods.
    **_each(
        "kubernetes_executor.",
        "pod_creation_status pod_deletion_status pod_patching_status",
        Metric("counter", ("status",)),
    ),
    **_each(
        "kubernetes_executor.",
        "pod_creation pod_deletion pod_patching pod_creation_batch_duration "
        "adopt_task_instances.duration",
        Metric("histogram", buckets=CALL),
    ),
    "kubernetes_executor.pod_creation_batch_size": Metric("gauge"),
    # Triggers, assets, connections.
    **_each("triggers.", "blocked_main_thread failed succeeded", Metric("counter")),
    **_each("", "triggers.running triggerer.capacity_left", Metric("gauge", ("hostname",))),
    **_each("asset.", "updates triggered_dagruns", Metric("counter")),
    "asset.orphaned": Metric("gauge"),
    **_each("connection_test.", "success failed", Metric("counter")),
    "connection_test.reaped": Metric("counter", ("prior_state",)),
    **_each("connection_test.", "active pending", Metric("gauge")),
    **_each(
        "connection_test.", "dispatch_duration hook_duration", Metric("histogram", buckets=CALL)
    ),
    # Loading.
    **_each(
        "", "airflow.io.load_filesystems serde.load_serializers", Metric("histogram", buckets=CALL)
    ),
    # What other executors and providers send.
    **_each("celery.", "task_timeout_error execute_command.failure", Metric("counter")),
    **_each(
        "",
        "batch_executor.adopt_task_instances.duration ecs_executor.adopt_task_instances.duration "
        "lambda_executor.adopt_task_instances.duration edge_executor.sync.duration",
        Metric("histogram", buckets=CALL),
    ),
    "ol.emit.failed": Metric("counter"),
    "ol.event.size": Metric("gauge", ("event_type", "operator_name")),
    "ol.emit.attempts": Metric("histogram", ("event_type", "transport_type"), buckets=CALL),
    "ol.extract": Metric("histogram", ("event_type", "operator_name"), buckets=CALL),
    **_each(
        "edge_worker.",
        "status connected maintenance jobs_active concurrency free_concurrency num_queues",
        Metric("gauge", ("worker_name",)),
    ),
    "edge_worker.heartbeat_count": Metric("counter", ("worker_name",)),
    "edge_worker.ti.start": Metric("counter", (*TASK, "queue")),
    "edge_worker.ti.finish": Metric("counter", (*TASK, "queue", "state")),
    # The package's own (updraft.metrics).
    **_each("updraft.transfer.", "rows bytes", Metric("counter", TASK)),
    "updraft.transfer.duration": Metric("histogram", TASK, buckets=RUN),
    "updraft.quality.checks": Metric("counter", (*TASK, "check", "result")),
    "updraft.quality.quarantined": Metric("counter", TASK),
    "updraft.poison.records": Metric("counter", TASK),
    "updraft.circuit.opened": Metric("counter", ("source",)),
    "updraft.deadline.missed": Metric("counter", (*DAG, "deadline")),
    "updraft.notifications": Metric("counter", ("kind", "result")),
}

# What airflow-exporter gives, from the metadata database (operators/updraft/exporter).
EXPORTER: Mapping[str, Metric] = {
    **_each("updraft_", "database_up api_server_up exporter_poll_seconds", Metric("gauge")),
    **_each(
        "updraft_component_", "heartbeat_age_seconds instances", Metric("gauge", ("component",))
    ),
    "updraft_task_instances": Metric("gauge", ("state",)),
    "updraft_oldest_queued_seconds": Metric("gauge"),
    "updraft_task_queue_to_start_seconds": Metric("histogram", DAG),
    "updraft_task_starts_unmeasured_total": Metric("counter"),
    "updraft_import_errors": Metric("gauge"),
    "updraft_dag_bundle_refresh_age_seconds": Metric("gauge", ("bundle",)),
    "updraft_dag_bundle_info": Metric("gauge", ("bundle", "commit")),
    "updraft_dags": Metric("gauge", ("paused",)),
    "updraft_pool_slots": Metric("gauge", ("pool", "state")),
    **_each(
        "updraft_database_",
        "size_bytes connections_max oldest_transaction_seconds",
        Metric("gauge"),
    ),
    "updraft_database_connections": Metric("gauge", ("state",)),
    "updraft_database_transactions_total": Metric("counter", ("result",)),
    "updraft_database_blocks_total": Metric("counter", ("source",)),
    "updraft_database_deadlocks_total": Metric("counter"),
    **_each("updraft_table_", "size_bytes dead_rows", Metric("gauge", ("table",))),
}


def exposed_name(name: str) -> str:
    """Return what Prometheus calls a StatsD metric.

    Example:
        >>> exposed_name("dagrun.dependency-check")
        'airflow_dagrun_dependency_check'
    """
    return f"{PREFIX}.{name}".replace(".", "_").replace("-", "_")


def series() -> dict[str, frozenset[str]]:
    """Return every series of both sources with its labels, but for those of the scrape."""
    named = {exposed_name(name): metric for name, metric in STATSD.items()}
    return dict(_series({**named, **EXPORTER}))


def _series(metrics: Mapping[str, Metric]) -> Iterator[tuple[str, frozenset[str]]]:
    for name, metric in metrics.items():
        labels = frozenset(metric.labels)
        if metric.kind != "histogram":
            yield name, labels
            continue
        yield f"{name}_bucket", labels | {"le"}
        yield f"{name}_sum", labels
        yield f"{name}_count", labels
