"""The settings as the package `monitoring` wants them, and where its servers are."""

from __future__ import annotations

from infra.settings import Settings
from infra.values import links, names
from monitoring import ports
from monitoring.options import Options


def options(settings: Settings) -> Options:
    """Return what rules, dashboards and configurations depend on."""
    watched, spaces = settings.monitoring, settings.namespaces
    objectives, cost = watched.objectives, watched.cost
    return Options(
        control_plane=spaces.airflow,
        tasks=spaces.tasks,
        monitoring=spaces.monitoring,
        cluster=settings.cluster.context,
        time_scale=watched.alerts.time_scale,
        runbooks=links.runbooks(settings),
        # Pulumi keeps no order of a setting's keys, and the first that fits counts.
        teams=dict(sorted(cost.teams.items())),
        cpu_hour=cost.cpu_hour,
        memory_gib_hour=cost.memory_gib_hour,
        currency=cost.currency,
        grafana_url=watched.grafana.url,
        airflow_url=settings.airflow.base_url,
        metrics_retention=watched.metrics.retention,
        logs_retention=_hours(watched.logs.retention),
        task_start_seconds=objectives.task_start_seconds,
        slo_task_start=objectives.task_start,
        slo_run_success=objectives.run_success,
        slo_on_time=objectives.on_time,
        slo_log_delivery=objectives.log_delivery,
    )


def _hours(duration: str) -> str:
    """Return a number of hours or days in hours, as Loki's configuration shows it again."""
    number, unit = int(duration[:-1]), duration[-1]
    return f"{number * 24 if unit == 'd' else number}h"


def address(settings: Settings, server: str) -> str | None:
    """Return where Prometheus, Alertmanager or Loki is reached; None where there is none."""
    watched = settings.monitoring
    own = {
        names.PROMETHEUS: watched.metrics.url,
        names.ALERTMANAGER: watched.metrics.alertmanager_url,
        names.LOKI: watched.logs.url,
    }
    if watched.mode == "bundled":
        host = names.host(server, settings.namespaces.monitoring)
        return f"http://{host}:{ports.HTTP[server]}"
    return own[server]


def statsd_host(settings: Settings) -> str:
    """Return the host to which every process of Airflow sends its metrics."""
    return names.host(names.STATSD_EXPORTER, settings.namespaces.monitoring)
