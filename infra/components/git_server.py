"""The git server inside the cluster, for a stack without a remote of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_kubernetes as kubernetes

from infra.components.namespaces import Namespaces
from infra.settings import Settings
from infra.settings.dags import GitServer as GitServerSettings
from infra.values import git_server, names
from infra.values.pods import claim


@dataclass(frozen=True)
class GitServerArgs:
    """The settings, the server's own among them, and what has to be there first."""

    settings: Settings
    server: GitServerSettings
    namespaces: Namespaces
    credentials: list[pulumi.Resource]


class GitServer(pulumi.ComponentResource):
    """One pod that serves one repository to git-sync and to `make push-dags`."""

    def __init__(
        self, name: str, args: GitServerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:GitServer", name, None, opts)
        namespace = args.settings.namespaces.airflow
        metadata = {"name": names.GIT, "namespace": namespace}
        waits_not: dict[str, object] = {
            **metadata,
            "annotations": {"pulumi.com/skipAwait": "true"},
        }
        after = [args.namespaces.airflow, *args.namespaces.priorities, *args.credentials]
        options = pulumi.ResourceOptions(parent=self, depends_on=after)
        wanted = claim(args.server.storage, args.settings.scheduling.storage_class)
        volume = kubernetes.core.v1.PersistentVolumeClaim(
            f"{name}-volume",
            metadata=cast("Any", waits_not),
            spec=cast("Any", wanted),
            opts=options,
        )
        port = {"name": "http", "port": git_server.SERVICE_PORT, "targetPort": git_server.PORT}
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            metadata=cast("Any", waits_not),
            spec=cast("Any", {"selector": git_server.labels(), "ports": [port]}),
            opts=options,
        )
        kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=cast("Any", metadata),
            spec=cast("Any", git_server.deployment(args.settings, args.server)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after, volume, service]),
        )
        self.register_outputs({})
