"""Logs: the collector on each node, and Loki unless the cluster has its own."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.components.namespaces import Namespaces
from infra.components.objects import declare_all, declare_each, rights
from infra.settings import Settings
from infra.values import names
from infra.values.monitoring import logs
from infra.values.monitoring.server import objects


@dataclass(frozen=True)
class LogsArgs:
    """The settings, and the namespaces to be in."""

    settings: Settings
    namespaces: Namespaces


class Logs(pulumi.ComponentResource):
    """What keeps the lines that pods print, when the pods have gone."""

    def __init__(
        self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Logs", name, None, opts)
        settings = args.settings
        spaces = args.namespaces
        options = pulumi.ResourceOptions(
            parent=self,
            depends_on=[
                *(*spaces.airflow, *spaces.tasks, *spaces.monitoring),
                *spaces.priorities,
            ],
        )
        if settings.monitoring.mode == "bundled":
            declare_all(f"{name}-loki", objects(settings, logs.loki(settings)), options)
        chosen = settings.namespaces
        watched = (chosen.airflow, chosen.tasks, chosen.monitoring)
        rules = logs.collector_rules()
        allowed = rights(names.COLLECTOR, watched, names.COLLECTOR, chosen.monitoring, rules)
        declare_each(f"{name}-rights", allowed, options)
        declare_all(f"{name}-collector", logs.collector(settings), options)
        self.register_outputs({})
