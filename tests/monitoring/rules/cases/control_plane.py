"""Faults of the control plane."""

from __future__ import annotations

from tests.monitoring.rules.unit import Case, Series, beat, minutes, of_exporter, of_state

DATABASE = of_exporter("updraft_database_up")
POD = {"namespace": "airflow", "pod": "airflow-scheduler-0", "container": "scheduler"}


def _volume(share: str) -> str:
    return (
        f'kubelet_volume_stats_{share}_bytes{{job="kubelet",metrics_path="/metrics",'
        'namespace="airflow-monitoring",persistentvolumeclaim="data-loki-0"}'
    )


def _component(alert: str, component: str, waits: int) -> list[Case]:
    series = beat(component)
    return [
        Case(
            alert,
            fault={series: minutes(5, 70, waits + 5)},
            fires=10 + waits + 1,
            ends=10 + waits + 6,
            beside={series: minutes(5, 60, waits + 5)},
            name="late",
        ),
        Case(
            alert,
            fault={series: minutes(5, 300, waits + 5)},
            fires=10 + waits + 1,
            ends=10 + waits + 6,
            beside={series: minutes(5, 300, max(waits, 1))},
            name="for-long",
        ),
        # What was never seen has no age, nor has it while nobody can look.
        Case(
            alert,
            fault={series: f"_x{waits + 10} 5x300"},
            fires=waits + 5,
            ends=waits + 12,
            beside={series: None, DATABASE: "0x300"},
            name="never",
        ),
    ]


def _memory(killed: str, restarts: str) -> Series:
    return {
        of_state(
            "kube_pod_container_status_last_terminated_reason", reason="OOMKilled", **POD
        ): killed,
        of_state("kube_pod_container_status_restarts_total", **POD): restarts,
    }


CASES = (
    *_component("AirflowSchedulerDown", "scheduler", 1),
    *_component("AirflowDagProcessorDown", "dag_processor", 10),
    *_component("AirflowTriggererDown", "triggerer", 5),
    Case(
        "AirflowApiServerDown",
        fault={of_exporter("updraft_api_server_up"): minutes(1, 0, 8)},
        fires=15,
        ends=20,
        beside={of_exporter("updraft_api_server_up"): minutes(1, 0, 2)},
    ),
    Case(
        "AirflowDatabaseDown",
        fault={DATABASE: minutes(1, 0, 8)},
        fires=15,
        ends=20,
        beside={DATABASE: minutes(1, 0, 1)},
    ),
    Case(
        "AirflowDatabaseConnectionsHigh",
        fault={
            of_exporter("updraft_database_connections", state="active"): minutes(10, 60, 20),
            of_exporter("updraft_database_connections", state="idle"): "30x300",
            of_exporter("updraft_database_connections_max"): "100x300",
        },
        fires=25,
        ends=35,
        beside={of_exporter("updraft_database_connections", state="active"): minutes(10, 55, 20)},
    ),
    Case(
        "AirflowVolumeFilling",
        fault={_volume("available"): minutes(50, 9, 25), _volume("capacity"): "100x300"},
        fires=30,
        ends=40,
        beside={_volume("available"): minutes(50, 11, 25)},
        labels={"namespace": "airflow-monitoring", "persistentvolumeclaim": "data-loki-0"},
    ),
    Case(
        "AirflowComponentOutOfMemory",
        fault=_memory("0x9 1x600", "0x9 1x600"),
        fires=12,
        ends=50,
        # The reason of a restart long ago is told for as long as the pod lives.
        beside=_memory("1x600", "1x600"),
        labels=POD,
    ),
)
