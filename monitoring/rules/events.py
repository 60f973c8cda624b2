"""How many of the rare events there were of late, which a rate of a young counter does not see.

StatsD's counters begin with their first event: to `increase` the first failure of a DAG is none.
Windows are multiplied by time_scale; a name has the window of the shipped platform.
"""

from __future__ import annotations

from typing import Final

from monitoring.options import Options
from monitoring.rules.model import Group, Record, window

# A scrape that failed ends a series for a moment; its counter is taken from before, this long ago.
LOOKBACK: Final = "10m"
STATSD: Final = "statsd-exporter"


def grown(series: str, over: str, job: str, by: str = "") -> str:
    """Return by how much counters have grown, those included that were born meanwhile.

    A counter that is smaller than it was has begun anew. Nothing is told where the job was not
    asked at the beginning: what it counts might be old.

    Args:
        series: Selector of one metric.
        over: The time to look back, scaled already.
        job: Of whom the series are.
        by: Labels to sum by, with commas.
    """
    before = f"last_over_time({series}[{LOOKBACK}] offset {over})"
    asked = f'max(last_over_time(up{{job="{job}"}}[{LOOKBACK}] offset {over})) == 1'
    clause = f" by ({by})" if by else ""
    return f"(sum{clause} (({series} - {before}) >= 0 or {series}) and on () ({asked}))"


def groups(options: Options) -> list[Group]:
    """Return the groups of recording rules."""
    return [Group("airflow-events", [*_counts(options), *_means(options)])]


def airflow(metric: str, matchers: str = "") -> str:
    """Return the selector of a metric of Airflow's."""
    also = f", {matchers}" if matchers else ""
    return f'airflow_{metric}{{job="{STATSD}"{also}}}'


def _counts(options: Options) -> list[Record]:
    def count(name: str, over: str, series: str, by: str = "", **labels: str) -> Record:
        grew = grown(series, window(over, options), STATSD, by)
        return Record(f"{name}:increase{over}", grew, labels)

    dag = "dag_id"
    runs = "updraft_dag:runs"
    told = "updraft_dag:callback_errors"
    return [
        count("updraft_dag:tries", "30m", airflow("ti_failures"), dag, result="failed"),
        count("updraft_dag:tries", "30m", airflow("ti_successes"), dag, result="succeeded"),
        count(runs, "6h", airflow("dagrun_duration_failed_count"), dag, result="failed"),
        count(runs, "6h", airflow("dagrun_duration_success_count"), dag, result="succeeded"),
        count(
            "updraft_dag:deadlines_missed", "1h",
            airflow("deadline_alerts_deadline_missed"), dag,
        ),
        count(told, "1h", airflow("dag_callback_exceptions"), dag, kind="run"),
        count(told, "1h", airflow("deadline_alerts_callback_failed"), dag, kind="deadline"),
        count(
            "updraft:notifications_failed", "1h",
            airflow("updraft_notifications", 'result="failed"'), "kind",
        ),
        count(
            "updraft_dag:tasks_without_heartbeat", "30m",
            airflow("task_instances_without_heartbeats_killed"), dag,
        ),
        count("updraft:orphans_cleared", "30m", airflow("scheduler_orphaned_tasks_cleared")),
        count(
            "updraft:parse_timeouts", "30m",
            airflow("dag_processing_processor_timeouts"), "file_path",
        ),
        count("updraft:triggers_blocked", "15m", airflow("triggers_blocked_main_thread")),
        count(
            "updraft:pod_creations", "15m",
            airflow("kubernetes_executor_pod_creation_status"), "status",
        ),
        count("updraft:scheduler_heartbeats", "10m", airflow("scheduler_heartbeat")),
    ]  # fmt: skip


def _means(options: Options) -> list[Record]:
    def mean(name: str, over: str, metric: str, by: str) -> Record:
        scaled = window(over, options)
        total = grown(airflow(f"{metric}_sum"), scaled, STATSD, by)
        count = grown(airflow(f"{metric}_count"), scaled, STATSD, by)
        return Record(f"{name}:mean{over}", f"{total} / ({count} > 0)")

    return [
        mean("updraft_dag:schedule_delay_seconds", "15m", "dagrun_schedule_delay", "dag_id"),
        mean("updraft_dag:task_scheduled_seconds", "15m", "task_scheduled_duration", "dag_id"),
        mean(
            "updraft:critical_section_seconds", "10m", "scheduler_critical_section_duration", ""
        ),
        mean(
            "updraft_file:parse_seconds", "10m", "dag_processing_last_duration",
            "bundle_name, file_name",
        ),
    ]  # fmt: skip
