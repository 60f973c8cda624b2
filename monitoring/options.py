"""What the rules, dashboards and configurations of monitoring depend on, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of a platform, all with the values of the shipped one.

    Args:
        control_plane: Namespace of Airflow's control plane.
        tasks: Namespace of the task pods.
        monitoring: Namespace of what watches them.
        cluster: Name of the cluster, on every alert and series that leaves it.
        time_scale: What every `for:` and burn-rate window is multiplied by; less than 1 in tests.
        runbooks: Address of the folder of runbooks, without a / at its end.
        teams: Regular expression (RE2, whole) of a team's DAG ids, by the team's name.
        cpu_hour: Price of a core for an hour.
        memory_gib_hour: Price of a GiB of memory for an hour.
        currency: What prices are in, an ISO 4217 code.
        grafana_url: Address of Grafana, without a / at its end; None where there is none.
        airflow_url: Address of Airflow's UI as users see it; None where it is not known.
        metrics_retention: How long Prometheus keeps samples.
        logs_retention: How long Loki keeps lines.
        scrape_interval: How often targets are asked.
        task_start_seconds: A task should start this soon after it was queued.
        slo_task_start: Share of tasks that do.
        slo_run_success: Share of runs that succeed.
        slo_on_time: Share of runs with a deadline that meet it.
        slo_log_delivery: Share of log lines that reach Loki.
    """

    control_plane: str = "airflow"
    tasks: str = "airflow-tasks"
    monitoring: str = "airflow-monitoring"
    cluster: str = "updraft"
    time_scale: float = 1.0
    runbooks: str = "http://localhost:8080/platform/runbooks"
    teams: Mapping[str, str] = field(default_factory=dict)
    cpu_hour: float = 0.04
    memory_gib_hour: float = 0.005
    currency: str = "USD"
    grafana_url: str | None = None
    airflow_url: str | None = None
    metrics_retention: str = "31d"
    logs_retention: str = "720h"
    scrape_interval: str = "15s"
    task_start_seconds: int = 30
    slo_task_start: float = 0.99
    slo_run_success: float = 0.95
    slo_on_time: float = 0.99
    slo_log_delivery: float = 0.999
