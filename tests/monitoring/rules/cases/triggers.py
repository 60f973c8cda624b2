"""Faults of the triggerer."""

from __future__ import annotations

from tests.monitoring.rules.unit import Case, Series, growing, minutes, of_airflow

BLOCKED = of_airflow("triggers_blocked_main_thread")


def _capacity(running: str, left: str) -> Series:
    host = {"hostname": "airflow-triggerer-0"}
    return {
        of_airflow("triggers_running", **host): running,
        of_airflow("triggerer_capacity_left", **host): left,
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
