"""Options of airflow.cfg that not everybody may read: Secrets of the control plane and of tasks."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.components.base import SecretArgs, secret
from infra.components.namespaces import Namespaces
from infra.settings import Settings
from infra.values import names, options


@dataclass(frozen=True)
class OptionsArgs:
    """The settings, and the namespaces in which the Secrets lie."""

    settings: Settings
    namespaces: Namespaces


class Options(pulumi.ComponentResource):
    """The Secrets, as `secrets`; none where the settings give no such option."""

    def __init__(
        self, name: str, args: OptionsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Options", name, None, opts)
        settings, spaces = args.settings, args.namespaces
        self.secrets: list[pulumi.Resource] = []
        for role, object_name, namespace, values, after in (
            (
                "airflow",
                names.OPTIONS,
                settings.namespaces.airflow,
                options.hidden(settings),
                spaces.airflow,
            ),
            (
                "tasks",
                names.TASK_OPTIONS,
                settings.namespaces.tasks,
                options.hidden_for_tasks(settings),
                spaces.tasks,
            ),
        ):
            if values:
                where = SecretArgs(object_name, namespace, values)
                own = pulumi.ResourceOptions(parent=self, depends_on=after)
                self.secrets.append(secret(f"{name}-{role}", where, own))
        self.register_outputs({})
