"""Alerts on what watches: an exporter that is gone must not look like health."""

from __future__ import annotations

from typing import Final

from monitoring.loki import ROUTES
from monitoring.options import Options
from monitoring.rules import thresholds as least
from monitoring.rules.events import STATSD, grown
from monitoring.rules.model import Alert, Group, window
from monitoring.rules.recording_expr import EXPORTER

# Those without which alerts of their own are silent have one of theirs.
_OTHERS: Final = ("kube-state-metrics", "alertmanager", "loki", "collector", "kubelet")
# Present in every mode.
_ALWAYS: Final = ("kube-state-metrics",)


def group(options: Options) -> Group:
    """Return the alerts."""
    return Group(
        "airflow-pipeline",
        [
            *_targets(options),
            *_metrics(options),
            *_collector(options),
            *_loki(options),
            *_alerting(options),
        ],
    )


def gone(job: str) -> str:
    """Return 0 where no target of a job answers, or there is none; without labels."""
    up = f'up{{job="{job}"}}'
    return f"(max({up}) or max(absent({up})) - 1) == 0"


def _targets(options: Options) -> list[Alert]:
    jobs = "|".join(_OTHERS)
    absent = " or ".join(f'absent(up{{job="{job}"}})' for job in _ALWAYS)
    # One that is no part of this installation was not there an hour ago either.
    seen = f'count by (job) (last_over_time(up{{job=~"{jobs}"}}[1h]))'
    return [
        Alert(
            name="AirflowExporterDown",
            expr=gone("airflow-exporter"),
            for_="3m",
            severity="page",
            component="airflow-exporter",
            summary="airflow-exporter does not answer (up is {{ $value }}).",
            description="Nobody would notice now that scheduler, API server or database are down."
            f" Look at `kubectl -n {options.control_plane} logs deploy/airflow-exporter`.",
        ),
        Alert(
            name="AirflowStatsdExporterDown",
            expr=gone(STATSD),
            for_="5m",
            severity="ticket",
            component="statsd-exporter",
            summary="statsd-exporter does not answer (up is {{ $value }}).",
            description="Airflow's metrics are lost meanwhile: failures, pod creations, deadlines."
            f" Look at `kubectl -n {options.monitoring} describe pod -l"
            " app.kubernetes.io/name=statsd-exporter`.",
        ),
        Alert(
            name="AirflowTargetDown",
            expr=f'count by (job) (up{{job=~"{jobs}"}} == 0)'
            f' or ({seen} unless count by (job) (up{{job=~"{jobs}"}})) or {absent}',
            for_="5m",
            severity="ticket",
            component="monitoring",
            summary="{{ $value | humanize }} targets of {{ $labels.job }} don't answer Prometheus.",
            description="What is told from {{ $labels.job }} is missing or old. See why by"
            " Prometheus' /api/v1/targets, and"
            f" `kubectl -n {options.monitoring} get pods`.",
        ),
    ]


def _metrics(options: Options) -> list[Alert]:
    beats = "updraft:scheduler_heartbeats:increase10m"
    alive = f'min(updraft_component_heartbeat_age_seconds{{{EXPORTER}, component="scheduler"}})'
    old = window("10m", options)
    answers = f'min(min_over_time(up{{job="{STATSD}"}}[{old}])) == 1'
    return [
        Alert(
            name="AirflowNoMetrics",
            expr=f"(({beats} or absent({beats}) - 1) == 0)"
            f" and on () ({alive} <= {least.HEARTBEAT_SECONDS}) and on () ({answers})",
            # Longer than a new exporter's heartbeats take to be counted.
            for_="15m",
            severity="ticket",
            component="statsd-exporter",
            summary="The scheduler lives, and {{ $value | humanize }} of its heartbeats arrived by"
            " StatsD.",
            description="Alerts on failures, pods and deadlines see nothing. Check that UDP 9125 to"
            f" {options.monitoring} is allowed and [metrics] statsd_on of airflow.cfg is True.",
        ),
        Alert(
            name="AirflowRulesFailing",
            expr="sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total"
            f'{{rule_group=~".*;(airflow-|updraft).*"}}[{window("10m", options)}])) > 0',
            for_="5m",
            severity="ticket",
            component="prometheus",
            summary="Rules of {{ $labels.rule_group }} failed {{ $value | humanize }} times.",
            description="Alerts and panels that read them see nothing. Prometheus' /api/v1/rules"
            " has the error beside the rule.",
        ),
    ]


def _collector(options: Options) -> list[Alert]:
    collected = window("15m", options)
    refused = "otelcol_receiver_refused_log_records_total"
    lost = [
        grown(f'{name}{{job="collector"}}', collected, "collector")
        for name in (
            "otelcol_exporter_enqueue_failed_log_records_total",
            "otelcol_exporter_send_failed_log_records_total",
            refused,
        )
    ]
    drops = " or ".join(f"{count} > 0" for count in lost)
    queue = 'max by (instance) (otelcol_exporter_queue_{}{{job="collector"}})'
    return [
        Alert(
            name="AirflowCollectorDropsLogs",
            expr=drops,
            for_="0s",
            severity="ticket",
            component="collector",
            summary="The collector gave up on {{ $value | humanize }} log lines.",
            description="Loki refused them, or there was no room to keep them. The lines are still"
            " in the nodes' files for a while. See why:"
            f" `kubectl -n {options.monitoring} logs daemonset/collector`.",
        ),
        Alert(
            name="AirflowLogsDelayed",
            expr=f"{queue.format('size')} / {queue.format('capacity')} > {least.QUEUE_USED}",
            for_="5m",
            severity="ticket",
            component="collector",
            summary="The collector's queue on {{ $labels.instance }} is"
            " {{ $value | humanizePercentage }} full.",
            description="Loki takes lines more slowly than they are written, or not at all; when"
            " the queue is full, lines wait in files that the kubelet rotates away. Look at Loki:"
            f" `kubectl -n {options.monitoring} logs deployment/loki`.",
        ),
    ]


def _loki(options: Options) -> list[Alert]:
    collected = window("15m", options)
    requests = f'loki_request_duration_seconds_count{{job="loki", route=~"{ROUTES}"'
    over = window("5m", options)
    errors = f"""sum(rate({requests}, status_code=~"5.."}}[{over}]))"""
    discarded = grown('loki_discarded_samples_total{job="loki"}', collected, "loki", "reason")
    return [
        Alert(
            name="AirflowLokiErrors",
            expr=f"{errors} / (sum(rate({requests}}}[{over}])) > 0) > {least.LOKI_ERROR_RATIO}",
            for_="10m",
            severity="ticket",
            component="loki",
            summary="{{ $value | humanizePercentage }} of Loki's answers are errors.",
            description="Logs come late or can't be read. Look at"
            f" `kubectl -n {options.monitoring} logs deployment/loki`, and whether its volume is"
            " full.",
        ),
        Alert(
            name="AirflowLokiDiscardsLines",
            expr=f"{discarded} > 0",
            for_="0s",
            severity="ticket",
            component="loki",
            summary="Loki threw {{ $value | humanize }} lines away: {{ $labels.reason }}.",
            description="They are lost. {{ $labels.reason }} names the limit of limits_config that"
            " they ran into; raise it, or find who writes so much on the dashboard updraft-logs.",
        ),
    ]


def _alerting(options: Options) -> list[Alert]:
    failed = f"alertmanager_notifications_failed_total[{window('15m', options)}]"
    return [
        Alert(
            name="AirflowAlertsNotDelivered",
            expr=f"sum by (integration) (increase({failed})) > 0",
            for_="5m",
            severity="ticket",
            component="alertmanager",
            summary="{{ $value | humanize }} notifications by {{ $labels.integration }} failed.",
            description="Nobody may have been told of what is firing: ask `amtool alert query`. Its"
            f" log has the error: `kubectl -n {options.monitoring} logs deployment/alertmanager`.",
        ),
        Alert(
            name="Watchdog",
            expr="vector(1)",
            for_="0s",
            severity="none",
            component="prometheus",
            summary=f"Alerts of {options.cluster} reach this receiver (always {{{{ $value }}}}).",
            description="Fires all the time. Where it stops, no alert is delivered any more.",
        ),
    ]
