"""DAGs and tasks: how often, how long, how well, and what they moved."""

from __future__ import annotations

from monitoring.dashboards.common import (
    BAD,
    BY_DAG,
    BY_TASK,
    DAG,
    STATES,
    TASK,
    WARN,
    in_airflow,
    over_range,
    runbook,
    see,
    see_row,
)
from monitoring.dashboards.model import Column, Dashboard, Link, Row
from monitoring.dashboards.panels import stat, table, timeseries
from monitoring.options import Options

_FINISHED = f"updraft_task:tasks_finished:rate5m{{{BY_TASK}}}"
_FAILED = f'updraft_task:tasks_finished:rate5m{{{BY_TASK}, state="failed"}}'
_RETRIED = f'updraft_task:tasks_finished:rate5m{{{BY_TASK}, state="up_for_retry"}}'
_TASK_BUCKETS = f"updraft_task:task_duration_seconds_bucket:rate5m{{{BY_TASK}}}"


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-dags",
        "Updraft: DAGs and tasks",
        "How often DAGs and their tasks run, how long, how well, and what they move.",
        [_sums(options), _runs(options), _tasks(options), _data(options)],
        [DAG, TASK],
        time_from="now-24h",
        refresh="5m",
    )


def _sums(options: Options) -> Row:
    runs = f"updraft_dag:runs_finished:rate5m{{{BY_DAG}}}"
    succeeded = f'updraft_dag:runs_finished:rate5m{{{BY_DAG}, state="success"}}'
    return Row(
        "In the time range",
        [
            stat(
                "Runs finished",
                "short",
                "Runs of the chosen DAGs that ended.",
                f"sum(sum_over_time({runs}[$__range:1m])) * 60",
                instant=True,
                decimals=0,
                width=6,
            ),
            stat(
                "Runs that succeeded",
                "percentunit",
                f"Share of the runs; the objective is {options.slo_run_success:.0%}.",
                f"sum(sum_over_time({succeeded}[$__range:1m]))"
                f" / (sum(sum_over_time({runs}[$__range:1m])) > 0)",
                instant=True,
                thresholds={0: BAD, options.slo_run_success: "green"},
                width=6,
            ),
            stat(
                "Tasks finished",
                "short",
                "Tries of the chosen tasks that ended.",
                f"sum(sum_over_time({_FINISHED}[$__range:1m])) * 60",
                instant=True,
                decimals=0,
                width=6,
            ),
            stat(
                "Tasks that failed",
                "short",
                "Of these, the ones that failed for good.",
                f"sum(sum_over_time({_FAILED}[$__range:1m])) * 60 or vector(0)",
                instant=True,
                decimals=0,
                thresholds={0.5: BAD},
                width=6,
                links=[runbook(options, "AirflowTaskFailureRatioHigh")],
            ),
        ],
    )


def _runs(options: Options) -> Row:
    links = [see("updraft-logs", "Logs of this DAG", "dag_id"), *in_airflow(options)]
    return Row(
        "Runs",
        [
            timeseries(
                "Runs by DAG",
                "cps",
                "Runs that ended, by DAG and by how.",
                {"{{dag_id}} {{state}}": f"updraft_dag:runs_finished:rate5m{{{BY_DAG}}}"},
                value_links=links,
                links=[runbook(options, "AirflowRunFailureRatioHigh")],
            ),
            timeseries(
                "Duration of runs, 95 %",
                "s",
                "The duration that 95 % of a DAG's runs did not exceed.",
                {"{{dag_id}} {{state}}": f"updraft_dag:run_duration_seconds:p95{{{BY_DAG}}}"},
                value_links=links,
            ),
            timeseries(
                "Delay of scheduled runs, 95 %",
                "s",
                "How long after its time a scheduled run began.",
                {"{{dag_id}}": f"updraft_dag:schedule_delay_seconds:p95{{{BY_DAG}}}"},
                value_links=links,
                width=8,
                only_on_failure="a DAG with a schedule",
                links=[runbook(options, "AirflowScheduleDelayHigh")],
            ),
            timeseries(
                "From a run's queueing to its first task, 95 %",
                "s",
                "What a scheduled run waits before anything happens; told at its end.",
                {"{{dag_id}}": f"updraft_dag:first_task_start_seconds:p95{{{BY_DAG}}}"},
                value_links=links,
                width=8,
                only_on_failure="a DAG with a schedule",
            ),
            timeseries(
                "Deadlines",
                "cps",
                "Deadlines of runs that were met and missed.",
                {"{{dag_id}} {{result}}": f"updraft_dag:deadlines:rate5m{{{BY_DAG}}}"},
                value_links=links,
                width=8,
                only_on_failure="a run that misses its deadline",
                links=[runbook(options, "AirflowDeadlineMissed")],
            ),
        ],
    )


def _tasks(options: Options) -> Row:
    task_logs = see_row("updraft-logs", "Its logs", "dag_id", "task_id")
    quantiles = {
        f"{share} %": f"histogram_quantile({share / 100}, sum by (dag_id, task_id, le)"
        f" (sum_over_time({_TASK_BUCKETS}[$__range:1m]))) >= 0"
        for share in (50, 95)
    }
    by_task = "dag_id, task_id"
    return Row(
        "Tasks",
        [
            timeseries(
                "Tasks by state",
                "cps",
                "Tries that ended, by how.",
                {"{{state}}": f"sum by (state) ({_FINISHED})"},
                stacked=True,
                colors=STATES,
                links=[runbook(options, "AirflowTaskFailureRatioHigh")],
            ),
            timeseries(
                "Duration of tasks, 95 %",
                "s",
                "The duration that 95 % of a task's tries did not exceed.",
                {"{{dag_id}} {{task_id}}": f"updraft_task:task_duration_seconds:p95{{{BY_TASK}}}"},
                value_links=[
                    Link(
                        "Logs of this task",
                        "/d/updraft-logs?var-dag_id=${__field.labels.dag_id}"
                        "&var-task_id=${__field.labels.task_id}&${__url_time_range}",
                    ),
                    *in_airflow(options),
                ],
            ),
            table(
                "Tasks in the time range",
                "short",
                "Each task: how often it ended, failed and was tried again, how long it took.",
                {
                    "finished": over_range(_FINISHED, by_task),
                    "failed": over_range(_FAILED, by_task),
                    "tried again": over_range(_RETRIED, by_task),
                    **quantiles,
                },
                [
                    Column("dag_id", "dag_id", link=see_row("updraft-dags", "DAG", "dag_id")),
                    Column("task_id", "task_id", link=task_logs),
                    Column("Value #A", "Finished", "short"),
                    Column("Value #B", "Failed", "short", {0.5: BAD}),
                    Column("Value #C", "Tried again", "short", {0.5: WARN}),
                    Column("Value #D", "Half of them took", "s"),
                    Column("Value #E", "95 % took", "s"),
                ],
                decimals=0,
                height=10,
                faults={"failed": "a task that fails", "tried again": "a task that is retried"},
            ),
        ],
    )


def _data(options: Options) -> Row:
    transfer = "a transfer between databases"
    return Row(
        "Data",
        [
            timeseries(
                "Rows moved",
                "cps",
                "Rows that transfers loaded.",
                {"{{dag_id}} {{task_id}}": f"updraft_task:transfer_rows:rate5m{{{BY_TASK}}}"},
                width=8,
                only_on_failure=transfer,
            ),
            timeseries(
                "Bytes moved",
                "Bps",
                "Bytes that transfers loaded.",
                {"{{dag_id}} {{task_id}}": f"updraft_task:transfer_bytes:rate5m{{{BY_TASK}}}"},
                width=8,
                only_on_failure=transfer,
            ),
            timeseries(
                "Quality",
                "cps",
                "Checks by their result, rows put into quarantine, and records that no try could"
                " process.",
                {
                    "checks {{result}}": "sum by (result)"
                    f" (updraft_task:quality_checks:rate5m{{{BY_TASK}}})",
                    "rows in quarantine": f"sum(updraft_task:quarantined_rows:rate5m{{{BY_TASK}}})",
                    "poison records": f"sum(updraft_task:poison_records:rate5m{{{BY_TASK}}})",
                },
                width=8,
                only_on_failure="a quality check that finds bad rows",
                faults={"poison records": "a record that can't be processed"},
            ),
            timeseries(
                "Circuit breakers opened",
                "cps",
                "Sources that a circuit breaker cut off after repeated errors.",
                {"{{source}}": "updraft:circuits_opened:rate5m"},
                only_on_failure="a source that fails again and again",
            ),
            timeseries(
                "Messages to people",
                "cps",
                "Notifications of failures and deadlines, and whether they could be sent.",
                {"{{kind}} {{result}}": "updraft:notifications:rate5m"},
                only_on_failure="a task that fails, with notifications on",
                links=[runbook(options, "AirflowNotificationsFailing")],
            ),
        ],
    )
