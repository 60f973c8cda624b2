"""The Pulumi program: the stack's settings become Airflow on the cluster that they name."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from infra.components.airflow import Airflow, AirflowArgs
from infra.components.database import Database, DatabaseArgs
from infra.components.git_access import GitAccess, GitAccessArgs
from infra.components.git_server import GitServer, GitServerArgs
from infra.components.image import Image, ImageArgs
from infra.components.keys import Keys, KeysArgs
from infra.components.migrations import Migrations, MigrationsArgs
from infra.components.namespaces import Namespaces, NamespacesArgs
from infra.components.tasks import Tasks, TasksArgs
from infra.settings import Settings, load
from infra.settings.pulumi_config import stack_config

ROOT = Path(__file__).resolve().parent.parent


def main(settings: Settings) -> None:
    """Declare every resource of the stack."""
    provider = kubernetes.Provider(
        "cluster",
        kubeconfig=settings.cluster.kubeconfig,
        context=settings.cluster.context,
        enable_server_side_apply=True,
    )
    options = pulumi.ResourceOptions(providers=[provider])
    image = Image("image", ImageArgs(settings.image, ROOT))
    namespaces = Namespaces("namespaces", NamespacesArgs(settings), options)
    keys = Keys("keys", KeysArgs(settings, namespaces), options)
    git = GitAccess("git-access", GitAccessArgs(settings, namespaces), options)
    if settings.dags.server:
        server = GitServerArgs(settings, settings.dags.server, namespaces, git.secrets)
        GitServer("git", server, options)
    database = Database("database", DatabaseArgs(settings, namespaces), options)
    tasks = Tasks("tasks", TasksArgs(settings, namespaces, image.reference), options)
    migrations = Migrations(
        "migrations",
        MigrationsArgs(settings, image.reference, namespaces, database, keys),
        options,
    )
    before = [migrations.migrate, tasks, *git.secrets]
    airflow = Airflow("airflow", AirflowArgs(settings, image.reference, ROOT, before), options)
    pulumi.export("url", airflow.url)
    pulumi.export("image", image.reference.apply(str))
    pulumi.export("namespaces", settings.namespaces.model_dump())
    pulumi.export("adminSecret", keys.names["admin"])


main(load(stack_config()))
