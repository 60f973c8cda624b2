"""Faults of the triggerer."""

from __future__ import annotations

from tests.monitoring.rules.unit import ALWAYS, Case, Series, growing, minutes, of_airflow, of_state

BLOCKED = of_airflow("triggers_blocked_main_thread")


def _capacity(running: str, left: str) -> Series:
    host = {"hostname": "airflow-triggerer-0.airflow-triggerer.airflow.svc.cluster.local"}
    gone = {"hostname": "airflow-triggerer-1"}
    pod = {"namespace": "airflow", "pod": "airflow-triggerer-0", "phase": "Running"}
    return {
        of_state("kube_pod_status_phase", **pod): ALWAYS,
        of_airflow("triggers_running", **host): running,
        of_airflow("triggerer_capacity_left", **host): left,
        # Nobody has the room of one that is no longer there.
        of_airflow("triggers_running", **gone): "0x5000",
        of_airflow("triggerer_capacity_left", **gone): "1000x5000",
    }


CASES = (
    Case(
        "AirflowTriggererBlocked",
        fault={BLOCKED: growing(1, 5, begin=30)},
        fires=36,
        ends=60,
        beside={BLOCKED: growing(1, 4, begin=30)},
    ),
    Case(
        "AirflowTriggererFull",
        fault=_capacity(minutes(100, 910, 25), minutes(900, 90, 25)),
        fires=30,
        ends=40,
        beside=_capacity(minutes(100, 900, 25), minutes(900, 100, 25)),
    ),
)
