"""Faults in what comes of runs and tasks."""

from __future__ import annotations

from tests.monitoring.rules.unit import Case, Series, born, growing, of_airflow

MISSED = of_airflow("deadline_alerts_deadline_missed", dag_id="fin_daily")
CALLBACKS = of_airflow("dag_callback_exceptions", dag_id="crm_sync")
OF_DEADLINES = of_airflow("deadline_alerts_callback_failed", dag_id="crm_sync")
MESSAGES = {
    result: of_airflow("updraft_notifications", kind="failure", result=result)
    for result in ("failed", "sent")
}


def _tries(dag: str, failed: int, succeeded: int) -> Series:
    """Tries of one task, all within a minute."""
    task = {"dag_id": dag, "task_id": "load"}
    return {
        of_airflow("ti_failures", **task): born(45, failed) if failed else None,
        of_airflow("ti_successes", **task): born(45, succeeded) if succeeded else None,
    }


def _everywhere(*failed: int) -> Series:
    series: dict[str, str | None] = {}
    for number, each in enumerate(failed):
        series |= _tries(f"dag_{number}", each, 10 - each)
    return series


def _runs(failed: int, succeeded: int) -> Series:
    run = {"dag_id": "ads_hourly", "run_type": "scheduled"}
    return {
        of_airflow("dagrun_duration_failed_count", **run): born(400, failed),
        of_airflow("dagrun_duration_success_count", **run): born(400, succeeded),
    }


CASES = (
    Case(
        "AirflowTaskFailureRatioHigh",
        fault=_tries("fin_daily", 6, 4),
        fires=55,
        ends=80,
        beside=_tries("fin_daily", 5, 5),
        labels={"dag_id": "fin_daily", "team": "finance"},
        name="ratio",
    ),
    Case(
        "AirflowTaskFailureRatioHigh",
        # Nothing of it has ever succeeded.
        fault=_tries("other", 10, 0),
        fires=55,
        ends=80,
        beside=_tries("other", 9, 0),
        labels={"dag_id": "other", "team": "unassigned"},
        name="few",
    ),
    Case(
        "AirflowTaskFailuresEverywhere",
        fault=_everywhere(4, 3, 3),
        fires=55,
        ends=80,
        beside=_everywhere(3, 3, 3),
        name="ratio",
    ),
    Case(
        "AirflowTaskFailuresEverywhere",
        fault=_everywhere(4, 4, 4),
        fires=55,
        ends=80,
        # Two DAGs' own trouble.
        beside=_everywhere(10, 10, 0),
        name="dags",
    ),
    Case(
        "AirflowTaskFailuresEverywhere",
        fault=_everywhere(10, 10, 10),
        fires=55,
        ends=80,
        beside={
            **_tries("dag_0", 6, 0), **_tries("dag_1", 6, 0), **_tries("dag_2", 7, 0),
        },
        name="few",
    ),
    Case(
        "AirflowRunFailureRatioHigh",
        fault=_runs(2, 1),
        fires=410,
        ends=770,
        beside=_runs(2, 2),
        labels={"dag_id": "ads_hourly", "team": "growth"},
        name="ratio",
    ),
    Case(
        "AirflowRunFailureRatioHigh",
        fault=_runs(3, 0),
        fires=410,
        ends=770,
        beside=_runs(2, 0),
        labels={"dag_id": "ads_hourly", "team": "growth"},
        name="few",
    ),
    Case(
        "AirflowDeadlineMissed",
        fault={MISSED: born(80, 1)},
        fires=82,
        ends=150,
        beside={
            MISSED: "4x600",
            of_airflow("deadline_alerts_deadline_not_missed", dag_id="fin_daily"): "0+1x600",
        },
        labels={"dag_id": "fin_daily", "team": "finance"},
    ),
    Case(
        "AirflowCallbackErrors",
        fault={CALLBACKS: born(80, 1)},
        fires=82,
        ends=150,
        beside={CALLBACKS: "1x600"},
        labels={"dag_id": "crm_sync", "team": "growth"},
        name="run",
    ),
    Case(
        "AirflowCallbackErrors",
        fault={OF_DEADLINES: growing(1, 3, begin=80)},
        fires=84,
        ends=160,
        beside={
            OF_DEADLINES: None,
            of_airflow("deadline_alerts_callback_success", dag_id="crm_sync"): "0+1x600",
        },
        labels={"dag_id": "crm_sync", "team": "growth"},
        name="deadline",
    ),
    Case(
        "AirflowNotificationsFailing",
        fault={MESSAGES["failed"]: born(80, 2)},
        fires=82,
        ends=150,
        beside={MESSAGES["failed"]: None, MESSAGES["sent"]: born(80, 2)},
        labels={"kind": "failure"},
    ),
)  # fmt: skip
