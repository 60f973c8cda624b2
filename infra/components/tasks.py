"""The tasks' namespace: quota, defaults, task pods' ServiceAccount and configuration, Roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_kubernetes as kubernetes

from infra.components.namespaces import Namespaces
from infra.settings import Settings
from infra.values import names, sizes, tasks
from infra.values.image import ImageReference
from infra.values.pods import cleanup_job

_RBAC = "rbac.authorization.k8s.io"
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
        after = [args.namespaces.airflow, args.namespaces.tasks, *args.namespaces.priorities]
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

    def _metadata(self, name: str, namespace: str | None = None, **more: object) -> Any:
        return {"name": name, "namespace": namespace or self._settings.namespaces.tasks, **more}

    def _bounds(self, name: str) -> None:
        kubernetes.core.v1.ResourceQuota(
            f"{name}-quota",
            metadata=self._metadata(names.TASKS),
            spec=cast("Any", sizes.quota(self._settings)),
            opts=self._options,
        )
        kubernetes.core.v1.LimitRange(
            f"{name}-limits",
            metadata=self._metadata(names.TASKS),
            spec=cast("Any", tasks.limit_range(self._settings)),
            opts=self._options,
        )

    def _pods(self, name: str) -> None:
        kubernetes.core.v1.ServiceAccount(
            f"{name}-account",
            metadata=self._metadata(
                names.TASK, annotations=dict(self._settings.tasks.service_account_annotations)
            ),
            automount_service_account_token=False,
            opts=self._options,
        )
        kubernetes.core.v1.ConfigMap(
            f"{name}-config",
            metadata=self._metadata(names.TASK_CONFIG),
            data=tasks.config_files(self._settings),
            opts=self._options,
        )

    def _role(self, name: str, role: str, rules: list[dict[str, object]]) -> None:
        kubernetes.rbac.v1.Role(
            f"{name}-{role}-role",
            metadata=self._metadata(role),
            rules=cast("Any", rules),
            opts=self._options,
        )
        account = {"kind": "ServiceAccount", "name": role}
        kubernetes.rbac.v1.RoleBinding(
            f"{name}-{role}-binding",
            metadata=self._metadata(role),
            role_ref=cast("Any", {"apiGroup": _RBAC, "kind": "Role", "name": role}),
            subjects=cast("Any", [{**account, "namespace": self._settings.namespaces.airflow}]),
            opts=self._options,
        )

    def _cleanup(self, name: str, image: pulumi.Output[ImageReference]) -> None:
        namespace = self._settings.namespaces.airflow
        kubernetes.core.v1.ServiceAccount(
            f"{name}-cleanup-account",
            metadata=self._metadata(names.CLEANUP, namespace),
            automount_service_account_token=False,
            opts=self._options,
        )
        kubernetes.batch.v1.CronJob(
            f"{name}-cleanup",
            metadata=self._metadata(names.CLEANUP, namespace),
            spec=image.apply(self._cron),
            opts=self._options,
        )

    def _cron(self, image: ImageReference) -> Any:
        spec: Mapping[str, object] = {
            "schedule": _CLEANUP_SCHEDULE,
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": cleanup_job(self._settings, image)},
        }
        return spec
