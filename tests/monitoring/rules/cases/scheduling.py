"""Faults that make runs and tasks begin late."""

from __future__ import annotations

from tests.monitoring.rules.unit import (
    Case,
    Series,
    born,
    minutes,
    of_airflow,
    of_exporter,
    quota,
)

OLDEST = of_exporter("updraft_oldest_queued_seconds")
WAITING = of_exporter("updraft_task_instances", state="scheduled")
ORPHANS = of_airflow("scheduler_orphaned_tasks_cleared")
SILENT = of_airflow("task_instances_without_heartbeats_killed", dag_id="fin_daily", task_id="load")
STARVING = of_airflow("scheduler_tasks_starving")


def _waits(metric: str, *seconds: float, until: int = 60) -> Series:
    """A wait of each DAG, twice a minute, until it is short again."""
    series: dict[str, str | None] = {}
    for number, each in enumerate(seconds):
        dag = {"dag_id": f"dag_{number}"}
        late = 2 * each
        series[of_airflow(f"{metric}_sum", **dag)] = f"0+{late}x{until} {late * until}+2x200"
        series[of_airflow(f"{metric}_count", **dag)] = "0+2x300"
    return series


def _section(seconds: float) -> Series:
    name = "scheduler_critical_section_duration"
    return {
        of_airflow(f"{name}_sum"): f"0+{seconds * 10}x60 {seconds * 600}+1x200",
        of_airflow(f"{name}_count"): "0+10x300",
    }


def _slots(open_: str, running: str) -> Series:
    executor = {"executor_class_name": "KubernetesExecutor"}
    return {
        of_airflow("executor_open_slots", **executor): open_,
        of_airflow("executor_running_tasks", **executor): running,
    }


def _pool(open_: str, waiting: str) -> Series:
    return {
        of_exporter("updraft_pool_slots", pool="warehouse", state="open"): open_,
        of_exporter("updraft_pool_slots", pool="warehouse", state="total"): "4x300",
        WAITING: waiting,
    }


CASES = (
    Case(
        "AirflowScheduleDelayHigh",
        fault=_waits("dagrun_schedule_delay", 70, 80, 90),
        fires=55,
        ends=120,
        # One DAG catches up on a year.
        beside=_waits("dagrun_schedule_delay", 5, 8, 100000),
    ),
    Case(
        "AirflowScheduledLatencyHigh",
        fault=_waits("task_scheduled_duration", 130, 140, 150),
        fires=55,
        ends=120,
        beside=_waits("task_scheduled_duration", 5, 110, 9000),
    ),
    Case(
        "AirflowCriticalSectionSlow",
        fault=_section(2.5),
        fires=55,
        ends=90,
        beside=_section(1.9),
    ),
    Case(
        "AirflowTasksStarving",
        fault={STARVING: minutes(0, 3, 25)},
        fires=30,
        ends=38,
        beside={STARVING: minutes(0, 3, 14)},
    ),
    Case(
        "AirflowPoolFull",
        fault=_pool(minutes(4, 0, 50), "7x300"),
        fires=50,
        ends=65,
        # It is full, and nobody waits.
        beside=_pool(minutes(4, 0, 50), "0x300"),
        labels={"pool": "warehouse"},
    ),
    Case(
        "AirflowExecutorSlotsLow",
        fault=_slots(minutes(20, 2, 40), minutes(12, 30, 40)),
        fires=45,
        ends=55,
        beside=_slots(minutes(20, 4, 40), minutes(12, 28, 40)),
    ),
    Case(
        "AirflowTasksNotStarting",
        fault={OLDEST: minutes(2, 700, 15)},
        fires=20,
        ends=28,
        beside={OLDEST: minutes(2, 590, 15)},
    ),
    Case(
        "AirflowTasksNotStarting",
        fault={OLDEST: minutes(2, 700, 15), quota("used"): "89x300"},
        fires=20,
        ends=28,
        # The quota is what it waits for, and by design.
        beside={quota("used"): "90x300"},
        name="quota",
    ),
    Case(
        "AirflowQuotaBacklog",
        fault={OLDEST: minutes(2, 3700, 15), quota("used"): "100x300"},
        fires=20,
        ends=28,
        beside={OLDEST: minutes(2, 3500, 15)},
    ),
    Case(
        "AirflowOrphanedTasks",
        fault={ORPHANS: "0x49 3x600"},
        fires=52,
        ends=90,
        # Those of a scheduler that was restarted are adopted, and none is lost.
        beside={ORPHANS: "0x600", of_airflow("scheduler_orphaned_tasks_adopted"): "0x49 9x600"},
    ),
    Case(
        "AirflowTasksWithoutHeartbeat",
        fault={SILENT: born(50, 2)},
        fires=52,
        ends=90,
        beside={SILENT: "2x600"},
        labels={"dag_id": "fin_daily", "team": "finance"},
    ),
)
