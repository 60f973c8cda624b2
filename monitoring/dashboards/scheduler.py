"""Scheduler and executor: how fast tasks become pods, and what holds them up."""

from __future__ import annotations

from monitoring.dashboards.common import (
    BAD,
    BY_DAG,
    DAG,
    FULLNESS,
    STATES,
    WARN,
    runbook,
    see,
)
from monitoring.dashboards.model import Dashboard, Row
from monitoring.dashboards.panels import bars, heatmap, stat, timeseries
from monitoring.options import Options


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-scheduler",
        "Updraft: scheduler and executor",
        "How fast tasks become pods, and what holds them up.",
        [_start(options), _loop(options), _slots(options), _pods(options), _triggers(options)],
        [DAG],
    )


def _start(options: Options) -> Row:
    soon = f"within {options.task_start_seconds} s"
    wait = {
        "half of them": "updraft:task_start_seconds:p50",
        "90 %": "updraft:task_start_seconds:p90",
        "99 %": "updraft:task_start_seconds:p99",
    }
    return Row(
        "From queued to running",
        [
            heatmap(
                "How long tasks wait for their pod",
                "s",
                "Tasks that started, a second, by how long they had been queued.",
                {"{{le}}": "updraft:task_start_seconds_bucket:rate5m"},
            ),
            timeseries(
                "Wait of tasks",
                "s",
                f"Quantiles of the wait; it should be {options.task_start_seconds} s at most.",
                wait,
                thresholds={options.task_start_seconds: BAD},
                links=[runbook(options, "AirflowTaskStartBudgetBurn")],
            ),
            timeseries(
                f"Share that starts {soon}",
                "percentunit",
                f"Share of the tasks, by DAG, that started {soon} after they were queued.",
                {"{{dag_id}}": f"updraft_dag:task_start_in_time:ratio5m{{{BY_DAG}}}"},
                largest=1,
                value_links=[see("updraft-dags", "This DAG", "dag_id")],
            ),
            timeseries(
                "Wait by DAG, 99 %",
                "s",
                "The wait that 99 % of a DAG's tasks did not exceed.",
                {"{{dag_id}}": f"updraft_dag:task_start_seconds:p99{{{BY_DAG}}}"},
                value_links=[see("updraft-dags", "This DAG", "dag_id")],
            ),
        ],
    )


def _loop(options: Options) -> Row:
    return Row(
        "The scheduler's loop",
        [
            timeseries(
                "Loop",
                "s",
                "Time of a round of the scheduler; nothing is scheduled faster than that.",
                {
                    "half of them": "updraft:scheduler_loop_seconds:p50",
                    "99 %": "updraft:scheduler_loop_seconds:p99",
                },
                width=8,
            ),
            timeseries(
                "Critical section",
                "s",
                "Time in which one scheduler alone chooses tasks, and of its query.",
                {
                    "all, half of them": "updraft:critical_section_seconds:p50",
                    "all, 99 %": "updraft:critical_section_seconds:p99",
                    "query, 99 %": "updraft:critical_section_query_seconds:p99",
                },
                width=8,
                links=[runbook(options, "AirflowCriticalSectionSlow")],
            ),
            timeseries(
                "From scheduled to queued",
                "s",
                "How long tasks that may run wait for a slot of pool, DAG and executor.",
                {
                    "half of them": "updraft:task_scheduled_seconds:p50",
                    "95 %": "updraft:task_scheduled_seconds:p95",
                },
                width=8,
            ),
            timeseries(
                "Heartbeats",
                "cps",
                "Heartbeats of all schedulers; none means that nothing is scheduled.",
                {"heartbeats": "updraft:scheduler_heartbeats:rate5m"},
                width=8,
                links=[runbook(options, "AirflowSchedulerDown")],
            ),
            timeseries(
                "Runs and tasks at hand",
                "short",
                "Runs that are running, tasks that the last round could queue, and those that no"
                " slot was left for.",
                {
                    "runs running": "updraft:runs_running:max",
                    "tasks to queue": "updraft:tasks_executable:max",
                    "tasks starving": "updraft:tasks_starving:max",
                },
                width=8,
            ),
            timeseries(
                "Tasks taken from their pods",
                "cps",
                "Tasks that lost their heartbeat, were killed from outside, or whose scheduler"
                " died.",
                {
                    "no heartbeat": "updraft:tasks_without_heartbeat:rate5m",
                    "killed from outside": "updraft:tasks_killed_externally:rate5m",
                    "orphans {{action}}": "updraft:orphaned_tasks:rate5m",
                },
                width=8,
                only_on_failure="a task pod that is killed while it runs",
                faults={"orphans {{action}}": "a scheduler that dies"},
                links=[runbook(options, "AirflowTasksWithoutHeartbeat")],
            ),
        ],
    )


def _slots(options: Options) -> Row:
    return Row(
        "Slots",
        [
            timeseries(
                "Executor's slots",
                "short",
                "Tasks that the executor has, and how many more it would take.",
                {"{{state}}": "updraft:executor_slots:max"},
                width=8,
                stacked=True,
                colors=STATES,
                links=[runbook(options, "AirflowExecutorSlotsLow")],
            ),
            bars(
                "Pools",
                "percentunit",
                "How much of each pool's slots is taken.",
                {"{{pool}}": "updraft_pool:slots_used:ratio"},
                width=8,
                thresholds=FULLNESS,
                largest=1,
                links=[runbook(options, "AirflowPoolFull")],
            ),
            timeseries(
                "Slots of pools",
                "short",
                "Slots of each pool by what they are taken for.",
                {"{{pool}}: {{state}}": 'updraft_pool:slots:max{state!="total"}'},
                width=8,
                stacked=True,
            ),
        ],
    )


def _pods(options: Options) -> Row:
    return Row(
        "Creating pods",
        [
            timeseries(
                "Pods asked for",
                "cps",
                "Answers of Kubernetes to the creation of task pods: 200 is a pod, 403 mostly the"
                " quota.",
                {"{{status}}": "updraft:pod_creations:rate5m"},
                stacked=True,
                colors={"200": "green", "403": WARN, "error": BAD},
                links=[runbook(options, "AirflowPodCreationFailing")],
            ),
            timeseries(
                "Time to create a pod",
                "s",
                "How long Kubernetes' API takes to accept a pod.",
                {
                    "half of them": "updraft:pod_creation_seconds:p50",
                    "99 %": "updraft:pod_creation_seconds:p99",
                },
            ),
        ],
    )


def _triggers(options: Options) -> Row:
    deferred = "a deferred task"
    return Row(
        "Triggers",
        [
            timeseries(
                "Triggers running",
                "short",
                "Triggers in each triggerer, and how many more it would take.",
                {
                    "{{pod}}": "updraft_triggerer:triggers_running:max",
                    "{{pod}}: room": "updraft_triggerer:capacity_left:max",
                },
                width=10,
                links=[runbook(options, "AirflowTriggererFull")],
            ),
            stat(
                "Fullest triggerer",
                "percentunit",
                "How much of its capacity is taken.",
                "max(updraft_triggerer:capacity_used:ratio)",
                thresholds=FULLNESS,
                height=8,
            ),
            timeseries(
                "Triggers finished",
                "cps",
                "Triggers that fired or failed, and times that one blocked the triggerer's loop.",
                {
                    "{{result}}": "updraft:triggers_finished:rate5m",
                    "blocked": "updraft:triggers_blocked:rate5m",
                },
                width=10,
                only_on_failure=deferred,
                links=[runbook(options, "AirflowTriggererBlocked")],
            ),
        ],
    )
