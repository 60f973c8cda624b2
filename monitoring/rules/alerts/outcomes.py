"""Alerts on what came of runs and tasks, and on people who were not told."""

from __future__ import annotations

from typing import Final

from monitoring.options import Options
from monitoring.rules import thresholds as least
from monitoring.rules.model import Alert, Group

_TRIES: Final = "updraft_dag:tries:increase30m"
_RUNS: Final = "updraft_dag:runs:increase6h"


def group(_: Options) -> Group:
    """Return the alerts."""
    return Group("airflow-outcomes", [*_failures(), *_deadlines(), *_callbacks()])


def _ratio(recorded: str, by: str) -> str:
    failed = f'sum{by} ({recorded}{{result="failed"}})'
    return f"{failed} / (sum{by} ({recorded}) > 0)"


def _failures() -> list[Alert]:
    dag = " by (dag_id)"
    failing = f'count({_TRIES}{{result="failed"}} > 0) >= {least.DAGS_FAILING}'
    return [
        Alert(
            name="AirflowTaskFailureRatioHigh",
            expr=f"{_ratio(_TRIES, dag)} > {least.DAG_FAILURE_RATIO}"
            f" and sum{dag} ({_TRIES}) >= {least.DAG_TRIES}",
            for_="5m",
            severity="ticket",
            component="tasks",
            summary="{{ $value | humanizePercentage }} of tries of {{ $labels.dag_id }} failed.",
            description="Over 30 minutes. See which task of {{ $labels.dag_id }} and why:"
            " `make logs DAG={{ $labels.dag_id }}`.",
            by_dag=True,
        ),
        Alert(
            name="AirflowTaskFailuresEverywhere",
            expr=f"{_ratio(_TRIES, '')} > {least.FAILURE_RATIO}"
            f" and sum({_TRIES}) >= {least.TRIES} and on () ({failing})",
            for_="5m",
            severity="page",
            component="tasks",
            summary="{{ $value | humanizePercentage }} of all tries failed, in several DAGs.",
            description="Over 30 minutes. What DAGs share has broken: a source, the image, the"
            " network, a push to all of them. The dashboard updraft-dags shows since when.",
        ),
        Alert(
            name="AirflowRunFailureRatioHigh",
            expr=f"{_ratio(_RUNS, dag)} > {least.DAG_FAILURE_RATIO}"
            f" and sum{dag} ({_RUNS}) >= {least.DAG_RUNS}",
            for_="5m",
            severity="ticket",
            component="runs",
            summary="{{ $value | humanizePercentage }} of the runs of {{ $labels.dag_id }} failed.",
            description="Over 6 hours. Its data is not made; see the first task that failed:"
            " `make logs DAG={{ $labels.dag_id }}`.",
            by_dag=True,
        ),
    ]


def _deadlines() -> list[Alert]:
    return [
        Alert(
            name="AirflowDeadlineMissed",
            expr="updraft_dag:deadlines_missed:increase1h > 0",
            for_="0s",
            severity="ticket",
            component="runs",
            summary="{{ $value | humanize }} runs of {{ $labels.dag_id }} missed a deadline.",
            description="Who waits for the data of {{ $labels.dag_id }} waits longer. See whether"
            " its tasks wait or run long: the run's Gantt view, then the dashboard updraft-dags.",
            by_dag=True,
        ),
    ]


def _callbacks() -> list[Alert]:
    return [
        Alert(
            name="AirflowCallbackErrors",
            expr="sum by (dag_id) (updraft_dag:callback_errors:increase1h) > 0",
            for_="0s",
            severity="ticket",
            component="callbacks",
            summary="{{ $value | humanize }} callbacks of {{ $labels.dag_id }} failed.",
            description="Who should have been told of {{ $labels.dag_id }} was not. The traceback"
            " is in `make logs LOG=dag-processor`, of a deadline's in LOG=triggerer.",
            by_dag=True,
        ),
        Alert(
            name="AirflowNotificationsFailing",
            expr="updraft:notifications_failed:increase1h > 0",
            for_="0s",
            severity="ticket",
            component="callbacks",
            summary="{{ $value | humanize }} messages of kind {{ $labels.kind }} were not"
            " delivered.",
            description="The webhook of notifications.connectionId refuses or can't be reached, so"
            " DAG authors don't learn of their failures. Try it with curl from a task pod.",
        ),
    ]
