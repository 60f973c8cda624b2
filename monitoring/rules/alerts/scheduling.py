"""Alerts on what makes runs and tasks begin late."""

from __future__ import annotations

from typing import Final

from monitoring.options import Options
from monitoring.rules import thresholds as least
from monitoring.rules.model import Alert, Group
from monitoring.rules.recording_expr import EXPORTER, text

_WAITING: Final = f'sum(updraft_task_instances{{{EXPORTER}, state="scheduled"}})'


def group(options: Options) -> Group:
    """Return the alerts."""
    return Group("airflow-scheduling", [*_latency(), *_slots(), *_queue(options), *_losses()])


def _latency() -> list[Alert]:
    # The median of the DAGs' means: a DAG that catches up on a year is one of many.
    def median(recorded: str) -> str:
        return f"quantile(0.5, {recorded})"

    return [
        Alert(
            name="AirflowScheduleDelayHigh",
            expr=f"{median('updraft_dag:schedule_delay_seconds:mean15m')}"
            f" > {least.SCHEDULE_DELAY_SECONDS}",
            for_="10m",
            severity="ticket",
            component="scheduler",
            summary="Runs begin {{ $value | humanizeDuration }} after their time.",
            description="So it is for half of the DAGs or more, so the scheduler can't keep up."
            " Look at its CPU and loop on the dashboard updraft-scheduler.",
        ),
        Alert(
            name="AirflowScheduledLatencyHigh",
            expr=f"{median('updraft_dag:task_scheduled_seconds:mean15m')}"
            f" > {least.SCHEDULED_SECONDS}",
            for_="15m",
            severity="ticket",
            component="scheduler",
            summary="Tasks wait {{ $value | humanizeDuration }} in the state scheduled.",
            description="So it is for half of the DAGs or more. What holds them is a pool, the"
            " executor's slots or the scheduler; the other alerts of scheduling say which.",
        ),
        Alert(
            name="AirflowCriticalSectionSlow",
            expr=f"updraft:critical_section_seconds:mean10m > {least.CRITICAL_SECTION_SECONDS}",
            for_="10m",
            severity="ticket",
            component="scheduler",
            summary="The scheduler's critical section takes {{ $value | humanizeDuration }}.",
            description="Only in it are tasks queued. Most often the database is slow, or there are"
            " thousands of scheduled tasks: look at the dashboard updraft-database.",
        ),
    ]


def _slots() -> list[Alert]:
    slots = "updraft:executor_slots:max"
    share = f'sum({slots}{{state="open"}}) / (sum({slots}{{state=~"open|running"}}) > 0)'
    return [
        Alert(
            name="AirflowTasksStarving",
            expr="updraft:tasks_starving:max > 0",
            for_="15m",
            severity="ticket",
            component="scheduler",
            summary="{{ $value | humanize }} tasks find no slot in their pool.",
            description="They are ready to run, and wait. AirflowPoolFull names the pool, if it is"
            " full all the time; else it holds fewer slots than one of the tasks asks for.",
        ),
        Alert(
            name="AirflowPoolFull",
            expr=f'updraft_pool:slots:max{{state="open"}} <= 0 and on () ({_WAITING} > 0)',
            for_="30m",
            severity="ticket",
            component="scheduler",
            summary="Pool {{ $labels.pool }} has {{ $value | humanize }} open slots, and tasks"
            " wait.",
            description="Enlarge the pool {{ $labels.pool }}, or see which of its tasks hang.",
            labels={"state": ""},
        ),
        Alert(
            name="AirflowExecutorSlotsLow",
            expr=f"{share} < {least.SLOTS_LEFT}",
            for_="30m",
            severity="ticket",
            component="executor",
            summary="{{ $value | humanizePercentage }} of the executor's slots are open.",
            description="At 0 nothing is queued, for any DAG. Raise the stack's parallelism if the"
            " quota has room, or find the DAG that holds them: dashboard updraft-pods.",
        ),
    ]


def _queue(options: Options) -> list[Alert]:
    oldest = f"max(updraft_oldest_queued_seconds{{{EXPORTER}}})"
    full = (
        f"max(updraft_namespace:quota_used:ratio{{namespace={text(options.tasks)}}})"
        f" >= {least.QUOTA_NEAR}"
    )
    return [
        Alert(
            name="AirflowTasksNotStarting",
            expr=f"{oldest} > {least.QUEUED_SECONDS} unless on () ({full})",
            for_="5m",
            severity="page",
            component="executor",
            summary="A task has been queued for {{ $value | humanizeDuration }}, and there is"
            " quota.",
            description="Pods are not created, or don't come up. Look at"
            f" `kubectl -n {options.tasks} get events --sort-by=.lastTimestamp` and"
            " `make logs LOG=scheduler`.",
        ),
        Alert(
            name="AirflowQuotaBacklog",
            expr=f"{oldest} > {least.QUOTA_BACKLOG_SECONDS} and on () ({full})",
            for_="5m",
            severity="ticket",
            component="quota",
            summary="The quota is full, and a task has waited {{ $value | humanizeDuration }}.",
            description="Tasks wait and don't fail, until [scheduler] task_queued_timeout. Enlarge"
            f" the quota of {options.tasks}, or see which DAG holds it: dashboard updraft-pods.",
        ),
    ]


def _losses() -> list[Alert]:
    return [
        Alert(
            name="AirflowOrphanedTasks",
            expr="updraft:orphans_cleared:increase30m > 0",
            for_="0s",
            severity="ticket",
            component="scheduler",
            summary="{{ $value | humanize }} tasks lost their scheduler, and were begun anew.",
            description="A scheduler died, and another found no pod for what it had queued."
            " See why: `kubectl describe` its last pod, `make logs LOG=scheduler`.",
        ),
        Alert(
            name="AirflowTasksWithoutHeartbeat",
            expr="updraft_dag:tasks_without_heartbeat:increase30m > 0",
            for_="0s",
            severity="ticket",
            component="tasks",
            summary="{{ $value | humanize }} tasks of {{ $labels.dag_id }} stopped giving signs of"
            " life.",
            description="Airflow failed them. Their pods were killed, or could not reach the API"
            " server: look at the pods' end and at the logs of {{ $labels.dag_id }}.",
            by_dag=True,
        ),
    ]
