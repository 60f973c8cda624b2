"""Faults of what watches."""

from __future__ import annotations

from tests.monitoring.rules.unit import (
    HEALTHY,
    Case,
    Series,
    beat,
    born,
    minutes,
    of_airflow,
    of_collector,
)

BEATS = of_airflow("scheduler_heartbeat")
RULES = (
    "prometheus_rule_evaluation_failures_total"
    '{{job="prometheus",rule_group="/etc/prometheus/rules.yaml;{}"}}'
)
FAILED = 'alertmanager_notifications_failed_total{job="alertmanager",integration="webhook"}'
DISCARDED = 'loki_discarded_samples_total{job="loki",reason="rate_limited",tenant="fake"}'


def _up(job: str) -> str:
    return f'up{{job="{job}",instance="{job}"}}'


def _gone(alert: str, job: str, waits: int) -> list[Case]:
    """Its target is down, or nobody asks it any more."""
    return [
        Case(
            alert,
            fault={_up(job): minutes(1, 0, waits + 5)},
            fires=10 + waits + 1,
            ends=10 + waits + 6,
            beside={_up(job): minutes(1, 0, waits)},
            name="down",
        ),
        Case(
            alert,
            fault={_up(job): f"1x9 stale _x{waits + 4} 1x300"},
            fires=10 + waits + 1,
            ends=10 + waits + 7,
            beside={_up(job): "1x9 stale _x1 1x300"},
            name="absent",
        ),
    ]


def _answers(code: str, errors: int, route: str = "loki_api_v1_push") -> Series:
    labels = f'job="loki",method="POST",route="{route}"'
    return {
        f'loki_request_duration_seconds_count{{{labels},status_code="204"}}': "0+100x300",
        f'loki_request_duration_seconds_count{{{labels},status_code="{code}"}}':
            f"0+{errors}x40 {errors * 40}x200",
    }  # fmt: skip


def _queue(size: str) -> Series:
    return {
        of_collector("exporter_queue_size"): size,
        of_collector("exporter_queue_capacity"): "100x300",
    }


CASES = (
    *_gone("AirflowExporterDown", "airflow-exporter", 3),
    *_gone("AirflowStatsdExporterDown", "statsd-exporter", 5),
    *(
        Case(
            "AirflowTargetDown",
            fault={_up(job): minutes(1, 0, 12)},
            fires=17,
            ends=23,
            beside={_up(job): minutes(1, 0, 4)},
            labels={"job": job},
            name=job,
        )
        for job in ("kube-state-metrics", "alertmanager", "loki", "collector", "kubelet")
    ),
    Case(
        "AirflowTargetDown",
        fault={_up("loki"): "1x9 stale _x14 1x300"},
        fires=17,
        ends=28,
        # An installation without Loki.
        beside={_up("loki"): None},
        labels={"job": "loki"},
        name="vanished",
    ),
    Case(
        "AirflowTargetDown",
        fault={_up("kube-state-metrics"): "_x15 1x300"},
        fires=10,
        ends=18,
        beside={_up("kube-state-metrics"): "_x4 1x300"},
        labels={"job": "kube-state-metrics"},
        name="never",
    ),
    Case(
        "AirflowNoMetrics",
        fault={BEATS: "0+12x30 360x40 360+12x300"},
        fires=65,
        ends=90,
        # They stop with the scheduler, and another alert tells of that.
        beside={beat("scheduler"): "5x30 300x300"},
        name="stopped",
    ),
    Case(
        "AirflowNoMetrics",
        fault={BEATS: "_x40 0+12x300"},
        fires=30,
        ends=60,
        beside={BEATS: HEALTHY[BEATS]},
        name="never",
    ),
    Case(
        "AirflowRulesFailing",
        fault={RULES.format("airflow-pods"): "0x9 0+1x20 20x300"},
        fires=20,
        ends=60,
        # Rules of somebody else's, in a Prometheus that is shared.
        beside={RULES.format("airflow-pods"): "0x300", RULES.format("theirs"): "0+1x300"},
        labels={"rule_group": "/etc/prometheus/rules.yaml;airflow-pods"},
    ),
    *(
        Case(
            "AirflowCollectorDropsLogs",
            fault={of_collector(f"{name}_log_records_total"): born(40, 7)},
            fires=42,
            ends=70,
            beside={
                of_collector(f"{name}_log_records_total"): "7x300",
                of_collector("exporter_sent_log_records_total"): "0+500x300",
            },
            name=name,
        )
        for name in (
            "exporter_send_failed", "exporter_enqueue_failed", "receiver_refused"
        )
    ),
    Case(
        "AirflowLogsDelayed",
        fault=_queue(minutes(0, 51, 12)),
        fires=18,
        ends=25,
        beside=_queue(minutes(0, 50, 12)),
        labels={"instance": "node-1"},
    ),
    Case(
        "AirflowLokiErrors",
        fault=_answers("500", 10),
        fires=30,
        ends=60,
        beside=_answers("500", 4),
        name="ratio",
    ),
    Case(
        "AirflowLokiErrors",
        fault=_answers("500", 10, "otlp_v1_logs"),
        fires=30,
        ends=60,
        # A probe is told so until Loki is ready.
        beside={**_answers("500", 0, "otlp_v1_logs"), **_answers("503", 50, "ready")},
        name="probes",
    ),
    Case(
        "AirflowLokiErrors",
        fault=_answers("503", 10),
        fires=30,
        ends=60,
        # A caller's mistake is none of Loki's.
        beside={
            name: None if '"503"' in name else values
            for name, values in {**_answers("503", 10), **_answers("429", 50)}.items()
        },
        name="whose",
    ),
    Case(
        "AirflowLokiDiscardsLines",
        fault={DISCARDED: born(40, 3)},
        fires=42,
        ends=70,
        beside={DISCARDED: "3x300"},
        labels={"reason": "rate_limited"},
    ),
    Case(
        "AirflowAlertsNotDelivered",
        fault={FAILED: "0x9 0+1x20 20x300"},
        fires=25,
        ends=60,
        beside={FAILED: "20x300"},
        labels={"integration": "webhook"},
    ),
)  # fmt: skip
