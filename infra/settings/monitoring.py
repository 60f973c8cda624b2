"""What watches the platform: servers, alerts, objectives, prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from infra import versions
from infra.settings.base import Area, Resources, sized
from infra.settings.grammar.addresses import BaseAddress as Address
from infra.settings.grammar.expressions import Expression
from infra.settings.grammar.images import ImageReference
from infra.settings.grammar.kubernetes import Label, Labels, ObjectName, Storage
from infra.settings.grammar.text import AbsolutePath, matching
from infra.settings.receivers import Receivers

Duration = Annotated[
    str, AfterValidator(matching(r"[1-9][0-9]{0,3}[hd]", 'hours or days, such as "30d"'))
]
Share = Annotated[float, Field(gt=0, lt=1)]
Price = Annotated[float, Field(ge=0)]


class Images(Area):
    """The images of what watches."""

    prometheus: ImageReference = Field(versions.PROMETHEUS_IMAGE, description="Prometheus.")
    alertmanager: ImageReference = Field(versions.ALERTMANAGER_IMAGE, description="Alertmanager.")
    loki: ImageReference = Field(versions.LOKI_IMAGE, description="Loki.")
    collector: ImageReference = Field(
        versions.COLLECTOR_IMAGE, description="OpenTelemetry Collector."
    )
    statsd_exporter: ImageReference = Field(
        versions.STATSD_EXPORTER_IMAGE, description="statsd_exporter."
    )
    kube_state_metrics: ImageReference = Field(
        versions.KUBE_STATE_METRICS_IMAGE, description="kube-state-metrics."
    )


class Metrics(Area):
    """Prometheus."""

    url: Address | None = Field(
        None, description="Address of the cluster's own Prometheus, for mode operator."
    )
    alertmanager_url: Address | None = Field(
        None, description="Address of the cluster's own Alertmanager, for mode operator."
    )
    retention: Duration = Field(
        "31d", description="How long samples are kept; error budgets look back 30 days."
    )
    storage: Storage = Field("20Gi", description="Size of Prometheus' volume.")
    resources: Resources = sized(("100m", "512Mi"), ("1", "2Gi"))


class Logs(Area):
    """Loki, and the collector that brings it the pods' logs."""

    url: Address | None = Field(
        None, description="Address of the cluster's own Loki, for mode operator; no logs without."
    )
    retention: Duration = Field("30d", description="How long lines are kept.")
    storage: Storage = Field("20Gi", description="Size of Loki's volume.")
    pod_logs: AbsolutePath = Field(
        "/var/log/pods", description="Where a node keeps its pods' logs."
    )
    resources: Resources = sized(("100m", "256Mi"), ("1", "1Gi"))


class Alerts(Area):
    """Alerts, and who gets them."""

    runbooks: Address | None = Field(
        None,
        description="Where your own copy of the folder docs/runbooks is read; if null, Airflow's "
        "UI serves the platform's, below airflow.baseUrl, which receivers then need.",
    )
    time_scale: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0, description="What every `for:` and burn-rate window is multiplied by; 1 but in tests."
    )
    receivers: Receivers = Field(
        default_factory=Receivers, description="Of mode bundled; the operator's are its own."
    )


class Objectives(Area):
    """The service level objectives, as shares of 1."""

    task_start_seconds: Literal[5, 10, 20, 30, 60, 120, 300, 600] = Field(
        30, description="A task should start this many seconds after it was queued."
    )
    task_start: Share = Field(0.99, description="Share of tasks that do.")
    run_success: Share = Field(0.95, description="Share of runs that succeed.")
    on_time: Share = Field(0.99, description="Share of runs with a deadline that meet it.")
    log_delivery: Share = Field(0.999, description="Share of log lines that reach Loki.")


class Cost(Area):
    """What a task's pod costs: the larger of what it asked for and what it used."""

    cpu_hour: Price = Field(0.04, description="Price of a core for an hour.")
    memory_gib_hour: Price = Field(0.005, description="Price of a GiB for an hour.")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(
        "USD", description="ISO 4217 code of what prices are in."
    )
    teams: Mapping[Label, Expression] = Field(
        default_factory=dict,
        description="{team: regular expression of its DAG ids}; the first team by name that fits, "
        "and other DAGs are of no team.",
    )


class Grafana(Area):
    """The company's Grafana; Updraft runs none."""

    url: Address | None = Field(
        None, description="Address that users see; tasks link there instead of the Platform page."
    )
    dashboard_labels: Labels = Field(
        default_factory=lambda: {"grafana_dashboard": "1"},
        description="Labels by which its sidecar finds the ConfigMaps of dashboards.",
    )


class Monitoring(Area):
    """Bundled runs everything; operator adds to a cluster's Prometheus Operator and Grafana."""

    mode: Literal["bundled", "operator", "none"] = Field(
        "bundled",
        description="Updraft runs Prometheus, Alertmanager, Loki and kube-state-metrics; or the "
        "cluster's own are told what to watch; or nothing is watched.",
    )
    images: Images = Field(default_factory=Images, description="Images.")
    metrics: Metrics = Field(default_factory=Metrics, description="Metrics.")
    logs: Logs = Field(default_factory=Logs, description="Logs.")
    alerts: Alerts = Field(default_factory=Alerts, description="Alerts.")
    objectives: Objectives = Field(default_factory=Objectives, description="Objectives.")
    cost: Cost = Field(default_factory=Cost, description="Prices.")
    grafana: Grafana = Field(default_factory=Grafana, description="Grafana.")
    monitor_labels: Labels = Field(
        default_factory=dict,
        description="Labels by which the operator selects ServiceMonitors, PodMonitors and rules.",
    )
    storage_class: ObjectName | None = Field(
        None, description="StorageClass; scheduling.storageClass if it is not set."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        given = (self.metrics.url, self.metrics.alertmanager_url, self.logs.url)
        if self.mode != "operator" and any(given):
            raise ValueError('mode "operator" where the url of a server of the cluster is set')
        if self.mode == "operator" and self.alerts.receivers.named():
            raise ValueError('no receivers in mode "operator", whose Alertmanager has its own')
        if self.mode == "none" and self.alerts.receivers.named():
            raise ValueError('no receivers in mode "none", which has no alerts')
        return self

    @property
    def logs_are_kept(self) -> bool:
        """Whether there is a Loki."""
        return self.mode == "bundled" or (self.mode == "operator" and self.logs.url is not None)
