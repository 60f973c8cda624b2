"""Platform overview: is it up, does work flow, is there room, what failed."""

from __future__ import annotations

from monitoring.dashboards.common import (
    ANY_IS_BAD,
    BAD,
    FULLNESS,
    STATES,
    WARN,
    money,
    over_range,
    runbook,
    see,
    see_row,
)
from monitoring.dashboards.model import Column, Dashboard, Row
from monitoring.dashboards.panels import bars, stat, table, timeseries
from monitoring.options import Options

_ALERTS = 'ALERTS{alertstate="firing", severity=~"page|ticket"}'


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-platform",
        "Updraft: platform",
        "Whether the platform is up, work flows, there is room, and what failed.",
        [_up(options), _promises(options), _flow(options), _room(options), _failures(options)],
    )


def _up(options: Options) -> Row:
    late = {30: WARN, 60: BAD}
    down = {0: BAD, 1: "green"}
    return Row(
        "Is it up?",
        [
            stat(
                "Alerts firing",
                "short",
                "Alerts that page or wait for the morning; Watchdog, which always fires, is none.",
                f"count({_ALERTS}) or vector(0)",
                thresholds=ANY_IS_BAD,
            ),
            stat(
                "Database",
                "bool_on_off",
                "Whether the metadata database answers.",
                'max(updraft_database_up{job="airflow-exporter"})',
                thresholds=down,
                links=[runbook(options, "AirflowDatabaseDown")],
            ),
            stat(
                "API server",
                "bool_on_off",
                "Whether Airflow's API server says that it is healthy.",
                'max(updraft_api_server_up{job="airflow-exporter"})',
                thresholds=down,
                links=[runbook(options, "AirflowApiServerDown")],
            ),
            stat(
                "Since the last heartbeat",
                "s",
                "How long each component has been silent; it beats about every 5 s.",
                {
                    "{{component}}": "min by (component) "
                    '(updraft_component_heartbeat_age_seconds{job="airflow-exporter"})'
                },
                thresholds=late,
                width=12,
                links=[runbook(options, "AirflowSchedulerDown")],
            ),
        ],
    )


def _promises(options: Options) -> Row:
    return Row(
        "Are promises kept?",
        [
            bars(
                "Error budget left",
                "percentunit",
                "What is left of each objective's budget of bad events; below 0 it is broken.",
                {"{{slo}}": "slo:error_budget_left:ratio"},
                thresholds={-1000: BAD, 0: WARN, 0.25: "green"},
                largest=1,
                links=[runbook(options, "AirflowTaskStartBudgetBurn")],
            ),
            timeseries(
                "Bad events in the last hour",
                "percentunit",
                "Share of late task starts, failed runs, missed deadlines and undelivered lines.",
                {"{{slo}}": "slo:error_ratio:ratio1h"},
                links=[runbook(options, "AirflowRunSuccessBudgetBurn")],
            ),
        ],
    )


def _flow(options: Options) -> Row:
    return Row(
        "Does work flow?",
        [
            timeseries(
                "From queued to running",
                "s",
                f"How long tasks wait for their pod; it should be {options.task_start_seconds} s"
                " at most.",
                {
                    "half of them": "updraft:task_start_seconds:p50",
                    "90 %": "updraft:task_start_seconds:p90",
                    "99 %": "updraft:task_start_seconds:p99",
                },
                thresholds={options.task_start_seconds: BAD},
                value_links=[see("updraft-scheduler", "Scheduler and executor")],
            ),
            timeseries(
                "Tasks by state",
                "short",
                "Task instances that are not finished.",
                {"{{state}}": 'sum by (state) (updraft_task_instances{job="airflow-exporter"})'},
                stacked=True,
                colors=STATES,
            ),
            timeseries(
                "Tasks finished",
                "cps",
                "Tasks that ended, by how.",
                {"{{state}}": "updraft:tasks_finished:rate5m"},
                stacked=True,
                colors=STATES,
                value_links=[see("updraft-dags", "DAGs and tasks")],
            ),
            timeseries(
                "Runs finished",
                "cps",
                "DAG runs that ended, by how.",
                {"{{state}}": "updraft:runs_finished:rate5m"},
                stacked=True,
                colors=STATES,
                value_links=[see("updraft-dags", "DAGs and tasks")],
            ),
        ],
    )


def _room(options: Options) -> Row:
    return Row(
        "Is there room?",
        [
            bars(
                "Quota of the tasks",
                "percentunit",
                "How much of each limit of the tasks' namespace is taken; at 100 % pods wait.",
                {
                    "{{resource}}": "updraft_namespace:quota_used:ratio"
                    f'{{namespace="{options.tasks}"}}'
                },
                width=8,
                thresholds=FULLNESS,
                largest=1,
                value_links=[see("updraft-pods", "Task pods and quota")],
                links=[runbook(options, "AirflowQuotaNearlyFull")],
            ),
            timeseries(
                "Executor's slots",
                "short",
                "Tasks that the executor has, and how many more it would take.",
                {"{{state}}": "updraft:executor_slots:max"},
                width=8,
                stacked=True,
                colors=STATES,
            ),
            stat(
                "Longest wait",
                "s",
                "How long the task that was queued first has been waiting.",
                'max(updraft_oldest_queued_seconds{job="airflow-exporter"})',
                thresholds={300: WARN, 600: BAD},
            ),
            stat(
                f"Cost of a day ({options.currency})",
                money(options),
                "What a day costs when task pods hold what they hold now.",
                "sum(updraft_dag:cost_per_second:sampled) * 86400 or vector(0)",
                decimals=2,
                value_links=[see("updraft-cost", "Cost by DAG and team")],
            ),
        ],
    )


def _failures(options: Options) -> Row:
    failed = 'updraft_task:tasks_finished:rate5m{state="failed"}'
    return Row(
        "What failed?",
        [
            table(
                "Tasks that failed",
                "short",
                "Tasks that failed for good in the time range, most often first.",
                f"topk(20, {over_range(failed, 'dag_id, task_id')} > 0.5)",
                [
                    Column("dag_id", "dag_id", link=see_row("updraft-dags", "DAG", "dag_id")),
                    Column(
                        "task_id",
                        "task_id",
                        link=see_row("updraft-logs", "Its logs", "dag_id", "task_id"),
                    ),
                    Column("Value", "Failures", "short", {1: BAD}),
                ],
                width=12,
                decimals=0,
                only_on_failure="a task that fails",
                links=[runbook(options, "AirflowTaskFailureRatioHigh")],
            ),
            table(
                "Alerts that fire",
                "short",
                "Alerts that page or wait for the morning.",
                f"max by (alertname, severity, component, namespace, dag_id) ({_ALERTS})",
                [
                    Column("alertname", "Alert"),
                    Column("severity", "Severity"),
                    Column("component", "Component"),
                    Column("namespace", "Namespace"),
                    Column("dag_id", "DAG"),
                    Column("Value", "Firing", "bool_yes_no"),
                ],
                width=12,
                only_on_failure="any fault that fires an alert",
            ),
        ],
    )
