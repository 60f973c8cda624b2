"""Metrics: the exporters, and Prometheus with Alertmanager or what the cluster's own are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.components.base import SecretArgs, secret
from infra.components.namespaces import Namespaces
from infra.components.objects import Manifest, declare_all, declare_each, rights
from infra.settings import Settings
from infra.values import names
from infra.values.image import ImageReference
from infra.values.monitoring import exporters, metrics, operator
from infra.values.monitoring.server import Server, objects


@dataclass(frozen=True)
class MetricsArgs:
    """The settings, the namespaces, and what the exporter of Airflow's own state needs.

    Args:
        settings: The stack's.
        namespaces: Those to be in.
        image: Airflow's image.
        database: The Secret with the metadata database's address.
        migrated: What has made its tables.
    """

    settings: Settings
    namespaces: Namespaces
    image: pulumi.Output[ImageReference]
    database: str
    migrated: pulumi.Resource


class Metrics(pulumi.ComponentResource):
    """What counts and alerts."""

    def __init__(
        self, name: str, args: MetricsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Metrics", name, None, opts)
        self._name = name
        self._settings = args.settings
        spaces = args.namespaces
        inside = (*spaces.airflow, *spaces.tasks, *spaces.monitoring)
        self._after = [*inside, *spaces.priorities]
        self._server(exporters.statsd_exporter(args.settings))
        exporter = exporters.airflow_exporter(args.settings, args.image.apply(str), args.database)
        self._server(exporter, args.migrated)
        if args.settings.monitoring.mode == "bundled":
            self._bundled()
        else:
            self._operator()
        self.register_outputs({})

    def _options(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=[*self._after, *after])

    def _server(self, server: Server, *after: pulumi.Resource) -> None:
        made = objects(self._settings, server)
        declare_all(f"{self._name}-{server.name}", made, self._options(*after))

    def _rights(
        self, account: str, rules: Sequence[Manifest], namespaces: Sequence[str] | None
    ) -> None:
        home = self._settings.namespaces.monitoring
        whole_cluster = names.of_platform(self._settings, account)
        role = account if namespaces is not None else whole_cluster
        allowed = rights(role, namespaces, account, home, rules)
        declare_each(f"{self._name}-{account}", allowed, self._options())

    def _bundled(self) -> None:
        settings, spaces = self._settings, self._settings.namespaces
        ours = (spaces.airflow, spaces.tasks, spaces.monitoring)
        self._rights(names.KUBE_STATE_METRICS, exporters.kube_state_rules(), ours)
        self._server(exporters.kube_state_metrics(settings))
        given = metrics.secret_values(settings)
        secrets = []
        if given:
            args = SecretArgs(names.RECEIVERS, spaces.monitoring, given)
            secrets.append(secret(f"{self._name}-receivers", args, self._options()))
        self._server(metrics.alertmanager(settings), *secrets)
        self._rights(names.PROMETHEUS, metrics.prometheus_rules(), [spaces.monitoring])
        self._rights(names.PROMETHEUS, metrics.prometheus_cluster_rules(), None)
        self._server(metrics.prometheus(settings))
        if settings.monitoring.grafana.url:
            self._dashboards()

    def _operator(self) -> None:
        for one in operator.monitors(self._settings):
            resource = f"{self._name}-{one['metadata']['name']}"
            declare_all(resource, [one], self._options())
        self._dashboards()

    def _dashboards(self) -> None:
        for one in operator.dashboard_maps(self._settings):
            declare_all(f"{self._name}-{one['metadata']['name']}", [one], self._options())
