"""The Pulumi program: the stack's settings become Airflow on the cluster that they name."""

from __future__ import annotations

import sys
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

ROOT = Path(__file__).resolve().parent.parent
# Pulumi runs this folder, so the package `infra` itself would not be found.
sys.path.insert(0, str(ROOT))

from infra.components.airflow import Airflow, AirflowArgs  # noqa: E402
from infra.components.database import Database, DatabaseArgs  # noqa: E402
from infra.components.errors import StackError  # noqa: E402
from infra.components.git_access import GitAccess, GitAccessArgs  # noqa: E402
from infra.components.git_server import GitServer, GitServerArgs  # noqa: E402
from infra.components.image import Image, ImageArgs  # noqa: E402
from infra.components.keys import Keys, KeysArgs  # noqa: E402
from infra.components.logs import Logs, LogsArgs  # noqa: E402
from infra.components.metrics import Metrics, MetricsArgs  # noqa: E402
from infra.components.migrations import Migrations, MigrationsArgs  # noqa: E402
from infra.components.namespaces import Namespaces, NamespacesArgs  # noqa: E402
from infra.components.options import Options, OptionsArgs  # noqa: E402
from infra.components.ownership import owned_by  # noqa: E402
from infra.components.tasks import Tasks, TasksArgs  # noqa: E402
from infra.errors import UpdraftError  # noqa: E402
from infra.settings import Settings, load  # noqa: E402
from infra.settings.pulumi_config import stack_config  # noqa: E402


def main(settings: Settings) -> None:
    """Declare every resource of the stack."""
    provider = kubernetes.Provider(
        "cluster",
        kubeconfig=settings.cluster.kubeconfig,
        context=settings.cluster.context,
        enable_server_side_apply=True,
        # They keep their names, so one that may not change would be deleted before it is made anew:
        # a run that is killed between the two would leave pods that can't start again.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )
    options = pulumi.ResourceOptions(
        providers=[provider], transformations=[owned_by(settings.platform.name)]
    )
    image = Image("image", ImageArgs(settings.image, ROOT))
    namespaces = Namespaces("namespaces", NamespacesArgs(settings), options)
    keys = Keys("keys", KeysArgs(settings, namespaces), options)
    hidden = Options("options", OptionsArgs(settings, namespaces), options)
    git = GitAccess("git-access", GitAccessArgs(settings, namespaces), options)
    if settings.dags.server:
        server = GitServerArgs(settings, settings.dags.server, namespaces, git.secrets)
        GitServer("git", server, options)
    database = Database("database", DatabaseArgs(settings, namespaces), options)
    tasks = Tasks("tasks", TasksArgs(settings, namespaces, image.reference), options)
    migrations = Migrations(
        "migrations",
        MigrationsArgs(settings, image.reference, namespaces, database, keys, hidden),
        options,
    )
    if settings.monitoring.mode != "none":
        metrics = MetricsArgs(
            settings, namespaces, image.reference, database.secret, migrations.migrate
        )
        Metrics("metrics", metrics, options)
    if settings.monitoring.logs_are_kept:
        Logs("logs", LogsArgs(settings, namespaces), options)
    before = [migrations.admin, tasks, *hidden.secrets, *git.secrets]
    airflow = Airflow("airflow", AirflowArgs(settings, image.reference, ROOT, before), options)
    pulumi.export("url", airflow.url)
    pulumi.export("image", image.reference.apply(str))
    pulumi.export("platform", settings.platform.name)
    pulumi.export("namespaces", settings.namespaces.model_dump())
    pulumi.export("adminSecret", keys.names["admin"])


try:
    main(load(stack_config()))
except UpdraftError as error:
    raise StackError(error.what, where=error.where, fix=error.fix) from None
