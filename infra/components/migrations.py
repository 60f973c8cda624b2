"""The Job that migrates the database before a release, and the one that creates the first user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.components.database import Database
from infra.components.keys import Keys
from infra.components.namespaces import Namespaces
from infra.components.objects import declare
from infra.components.options import Options
from infra.settings import Settings
from infra.values import config, names, pods
from infra.values.image import ImageReference


@dataclass(frozen=True)
class MigrationsArgs:
    """The settings, the image to migrate to, and what has to be there first."""

    settings: Settings
    image: pulumi.Output[ImageReference]
    namespaces: Namespaces
    database: Database
    keys: Keys
    options: Options


class Migrations(pulumi.ComponentResource):
    """Both Jobs, `admin` after `migrate`; a release depends on the second.

    The first process that loads the auth manager writes its roles and permissions. Were that two
    at once, such as the Job and an API server, one of them could die of a row that is there twice.
    """

    def __init__(
        self, name: str, args: MigrationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Migrations", name, None, opts)
        self._settings = args.settings
        self._image = args.image
        self._secrets = {**args.keys.names, "metadata": args.database.secret}
        namespaces = [*args.namespaces.airflow, *args.namespaces.priorities]
        manifest = {
            "kind": "ConfigMap",
            "metadata": {"name": names.JOB_CONFIG, "namespace": args.settings.namespaces.airflow},
            "data": {"airflow.cfg": config.as_file(config.control_plane(args.settings))},
        }
        after = pulumi.ResourceOptions(parent=self, depends_on=namespaces)
        settings = declare(f"{name}-config", manifest, after)
        before: list[pulumi.Resource] = [settings, args.database, args.keys, *args.options.secrets]
        self.migrate = self._job(f"{name}-migrate", "airflow-migrate", pods.migrate_job, before)
        self.admin = self._job(
            f"{name}-admin", "airflow-admin", pods.admin_job, [*before, self.migrate]
        )
        self.register_outputs({})

    def _job(
        self,
        resource: str,
        prefix: str,
        make: Callable[[Settings, ImageReference, dict[str, str]], pods.Spec],
        after: list[pulumi.Resource],
    ) -> pulumi.CustomResource:
        spec: pulumi.Output[Any] = self._image.apply(
            lambda image: make(self._settings, image, self._secrets)
        )
        timeout = f"{pods.DEADLINE_SECONDS + 60}s"
        metadata = {
            "name": spec.apply(lambda whole: f"{prefix}-{pods.identity(whole)}"),
            "namespace": self._settings.namespaces.airflow,
        }
        options = pulumi.ResourceOptions(
            parent=self,
            depends_on=after,
            custom_timeouts=pulumi.CustomTimeouts(create=timeout),
        )
        return declare(resource, {"kind": "Job", "metadata": metadata, "spec": spec}, options)
