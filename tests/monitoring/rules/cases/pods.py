"""Faults of task pods and their quota."""

from __future__ import annotations

from tests.monitoring.rules.unit import (
    Case,
    Series,
    growing,
    minutes,
    of_airflow,
    of_state,
    quota,
)

POD = {"namespace": "airflow-tasks", "pod": "fin-daily-load-abc"}
TASK = {"dag_id": "fin_daily", "task_id": "load"}
INFO: Series = {
    of_state(
        "kube_pod_annotations", annotation_dag_id="fin_daily", annotation_task_id="load", **POD
    ): "1x900"
}
FULL = {"namespace": "airflow-tasks", "resource": "pods", "resourcequota": "tasks"}


def _refused(status: str) -> str:
    return of_airflow("kubernetes_executor_pod_creation_status", status=status)


def _phase(phase: str) -> str:
    return of_state("kube_pod_status_phase", phase=phase, **POD)


def _waiting(reason: str) -> str:
    return of_state(
        "kube_pod_container_status_waiting_reason", reason=reason, container="base", **POD
    )


def _ended(reason: str) -> str:
    return of_state(
        "kube_pod_container_status_terminated_reason", reason=reason, container="base", **POD
    )


CASES = (
    Case(
        "AirflowPodCreationForbidden",
        fault={_refused("403"): growing(2, 20, begin=30)},
        fires=46,
        ends=70,
        # Refusals on a full quota are how tasks wait.
        beside={quota("used"): "95x300"},
        labels={"status": "403"},
        name="quota",
    ),
    Case(
        "AirflowPodCreationForbidden",
        fault={_refused("403"): growing(1, 20, begin=30)},
        fires=46,
        ends=70,
        beside={_refused("403"): growing(1, 2, begin=30)},
        labels={"status": "403"},
        name="few",
    ),
    Case(
        "AirflowPodCreationFailing",
        fault={_refused("500"): growing(1, 10, begin=30)},
        fires=42,
        ends=65,
        beside={
            _refused("500"): growing(1, 2, begin=30),
            _refused("200"): growing(9, 10, begin=30),
            _refused("201"): growing(9, 10, begin=30),
        },
        labels={"status": "500"},
    ),
    Case(
        "AirflowPodCreationFailing",
        fault={_refused("409"): growing(3, 10, begin=30)},
        fires=42,
        ends=65,
        beside={_refused("409"): "30x300"},
        labels={"status": "409"},
        name="conflict",
    ),
    Case(
        "AirflowTaskPodPending",
        fault={
            **INFO,
            of_state("kube_pod_created", **POD): "0x900",
            _phase("Pending"): minutes(0, 1, 20),
        },
        fires=25,
        ends=35,
        beside={_phase("Pending"): minutes(0, 1, 9)},
        labels=POD,
    ),
    Case(
        "AirflowImagePullFailing",
        fault={_waiting("ImagePullBackOff"): minutes(0, 1, 12)},
        fires=18,
        ends=25,
        # One that is pulled for minutes.
        beside={_waiting("ImagePullBackOff"): None, _waiting("ContainerCreating"): "1x300"},
        labels={"namespace": "airflow-tasks", "reason": "ImagePullBackOff"},
    ),
    Case(
        "AirflowTaskOutOfMemory",
        fault={**INFO, _ended("OOMKilled"): minutes(0, 1, 5)},
        fires=18,
        ends=35,
        beside={_ended("OOMKilled"): None, _ended("Error"): minutes(0, 1, 5)},
        labels={**TASK, "team": "finance"},
    ),
    Case(
        "AirflowPodEvicted",
        fault={of_state("kube_pod_status_reason", reason="Evicted", **POD): minutes(0, 1, 5)},
        fires=12,
        ends=20,
        beside={
            of_state("kube_pod_status_reason", reason="Evicted", **POD): "0x300",
            of_state("kube_pod_status_reason", reason="Shutdown", **POD): minutes(0, 1, 5),
        },
        labels={"namespace": "airflow-tasks", "reason": "Evicted"},
    ),
    Case(
        "AirflowQuotaNearlyFull",
        fault={quota("used"): minutes(50, 91, 40)},
        fires=45,
        ends=55,
        beside={quota("used"): minutes(50, 90, 40)},
        labels=FULL,
    ),
    Case(
        "AirflowQuotaFull",
        fault={quota("used"): minutes(50, 100, 25)},
        fires=30,
        ends=40,
        beside={quota("used"): minutes(50, 98, 25)},
        labels=FULL,
    ),
)
