"""The git server inside the cluster, for a stack without a remote of its own."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.components.namespaces import Namespaces
from infra.components.objects import declare
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
        waits_not = {**metadata, "annotations": {"pulumi.com/skipAwait": "true"}}
        after = [*args.namespaces.airflow, *args.namespaces.priorities, *args.credentials]
        options = pulumi.ResourceOptions(parent=self, depends_on=after)
        wanted = claim(args.server.storage, args.settings.scheduling.storage_class)
        claimed = {"kind": "PersistentVolumeClaim", "metadata": waits_not, "spec": wanted}
        volume = declare(f"{name}-volume", claimed, options)
        port = {"name": "http", "port": git_server.SERVICE_PORT, "targetPort": git_server.PORT}
        served = {"selector": git_server.labels(), "ports": [port]}
        service = declare(
            f"{name}-service", {"kind": "Service", "metadata": waits_not, "spec": served}, options
        )
        spec = git_server.deployment(args.settings, args.server)
        declare(
            f"{name}-deployment",
            {"kind": "Deployment", "metadata": metadata, "spec": spec},
            pulumi.ResourceOptions(parent=self, depends_on=[*after, volume, service]),
        )
        self.register_outputs({})
