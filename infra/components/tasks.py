"""The tasks' namespace: quota, defaults, task pods' ServiceAccount and configuration, Roles."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.components.namespaces import Namespaces
from infra.components.objects import Manifest, declare, rights
from infra.settings import Settings
from infra.values import names, sizes, tasks
from infra.values.image import ImageReference
from infra.values.pods import cleanup_job

_CLEANUP_SCHEDULE = "*/10 * * * *"


@dataclass(frozen=True)
class TasksArgs:
    """The settings, the namespaces, and the image that cleans up."""

    settings: Settings
    namespaces: Namespaces
    image: pulumi.Output[ImageReference]


class Tasks(pulumi.ComponentResource):
    """Where task pods run, and within what bounds."""

    def __init__(
        self, name: str, args: TasksArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Tasks", name, None, opts)
        self._settings = args.settings
        spaces = args.namespaces
        after = [*spaces.airflow, *spaces.tasks, *spaces.priorities]
        self._options = pulumi.ResourceOptions(parent=self, depends_on=after)
        self._bounds(name)
        self._pods(name)
        keep = args.settings.tasks.keep_finished_pods > 0
        for role, rules in tasks.RULES.items():
            if keep or role != names.CLEANUP:
                self._role(name, role, rules)
        if keep:
            self._cleanup(name, args.image)
        self.register_outputs({})

    def _metadata(self, name: str, namespace: str | None = None, **more: object) -> Manifest:
        return {"name": name, "namespace": namespace or self._settings.namespaces.tasks, **more}

    def _declare(self, resource: str, kind: str, metadata: Manifest, **more: object) -> None:
        declare(resource, {"kind": kind, "metadata": metadata, **more}, self._options)

    def _account(self, resource: str, metadata: Manifest) -> None:
        self._declare(resource, "ServiceAccount", metadata, automountServiceAccountToken=False)

    def _bounds(self, name: str) -> None:
        for resource, kind, spec in (
            ("quota", "ResourceQuota", sizes.quota(self._settings)),
            ("limits", "LimitRange", tasks.limit_range(self._settings)),
        ):
            metadata = self._metadata(names.TASKS)
            self._declare(f"{name}-{resource}", kind, metadata, spec=spec)

    def _pods(self, name: str) -> None:
        annotations = dict(self._settings.tasks.service_account_annotations)
        account = self._metadata(names.TASK, annotations=annotations)
        self._account(f"{name}-account", account)
        files = tasks.config_files(self._settings)
        self._declare(f"{name}-config", "ConfigMap", self._metadata(names.TASK_CONFIG), data=files)

    def _role(self, name: str, role: str, rules: list[dict[str, object]]) -> None:
        chosen = self._settings.namespaces
        made, bound = rights(role, [chosen.tasks], role, chosen.airflow, rules)
        declare(f"{name}-{role}-role", made, self._options)
        declare(f"{name}-{role}-binding", bound, self._options)

    def _cleanup(self, name: str, image: pulumi.Output[ImageReference]) -> None:
        namespace = self._settings.namespaces.airflow
        metadata = self._metadata(names.CLEANUP, namespace)
        self._account(f"{name}-cleanup-account", metadata)
        self._declare(f"{name}-cleanup", "CronJob", metadata, spec=image.apply(self._cron))

    def _cron(self, image: ImageReference) -> Manifest:
        return {
            "schedule": _CLEANUP_SCHEDULE,
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": cleanup_job(self._settings, image)},
        }
