"""Every setting of Updraft: typed, frozen, and refused with its name where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, ValidationError

from infra.errors import UpdraftError
from infra.settings.airflow import Airflow
from infra.settings.base import Area
from infra.settings.cluster import Cluster, Namespaces, Scheduling
from infra.settings.dags import Dags
from infra.settings.database import Database, Keys
from infra.settings.faults import describe, disagreement
from infra.settings.image import Chart, Image
from infra.settings.links import EXPLANATION, Links
from infra.settings.monitoring import Monitoring
from infra.settings.notifications import Notifications
from infra.settings.platform import Platform
from infra.settings.tasks import Tasks

__all__ = ["PROJECT", "Settings", "load", "refusal"]

PROJECT = "updraft"


class Settings(Area):
    """All areas; each is one key `updraft:<area>` of a stack's configuration."""

    platform: Platform = Field(description="Whose everything is.")
    cluster: Cluster = Field(description="Which cluster.")
    namespaces: Namespaces = Field(default_factory=Namespaces, description="Which namespaces.")
    scheduling: Scheduling = Field(
        default_factory=Scheduling, description="Where the control plane runs."
    )
    image: Image = Field(description="Airflow's image.")
    chart: Chart = Field(default_factory=Chart, description="Airflow's chart.")
    dags: Dags = Field(description="Where DAGs come from.")
    database: Database = Field(default_factory=Database, description="Metadata database.")
    keys: Keys = Field(default_factory=Keys, description="Existing Secrets.")
    airflow: Airflow = Field(default_factory=Airflow, description="Control plane.")
    tasks: Tasks = Field(default_factory=Tasks, description="Task pods.")
    links: Links = Field(default_factory=Links, description=EXPLANATION)
    notifications: Notifications = Field(
        default_factory=Notifications,
        description="Messages about failed tasks and missed deadlines, on a webhook.",
    )
    monitoring: Monitoring = Field(
        default_factory=Monitoring, description="What watches the platform."
    )

    @property
    def parallelism(self) -> int:
        """Tasks that a scheduler lets run at once, in pods."""
        return self.tasks.parallelism or self.tasks.quota.pods

    @property
    def data_outlives(self) -> bool:
        """Whether the metadata database is there when the platform has gone.

        Then its key stays, too: without it no connection that the database keeps can be read.
        """
        return self.database.external is not None or self.database.internal.keep_volume

    @property
    def storage_class(self) -> str | None:
        """StorageClass of the database's volume, None for the cluster's default."""
        return self.database.internal.storage_class or self.scheduling.storage_class


def load(config: Mapping[str, object]) -> Settings:
    """Return the settings of a stack.

    Args:
        config: The object of each area, by the area's name without `updraft:`.

    Raises:
        UpdraftError: naming every unknown key and every bad value.
    """
    try:
        settings = Settings.model_validate(dict(config))
    except ValidationError as error:
        raise refusal([describe(Settings, fault) for fault in error.errors()]) from None
    if faults := _disagreements(settings):
        raise refusal(faults)
    return settings


def _disagreements(settings: Settings) -> list[str]:
    """What is wrong between areas that are each right by themselves."""
    alerts, database = settings.monitoring.alerts, settings.database
    found: list[str] = []
    if alerts.receivers.named() and not (settings.airflow.base_url or alerts.runbooks):
        found.append(
            "updraft:airflow.baseUrl: found null; allowed: the address that people reach, since "
            "alerts that go to monitoring.alerts.receivers link to the runbooks below it (or name "
            "a copy of the runbooks by monitoring.alerts.runbooks)"
        )
    if database.external and settings.keys.database:
        found.append(
            disagreement(
                Settings,
                "keys.database",
                settings.keys.database,
                "null, since it is of the in-cluster database, and database.external has a "
                "password or existingSecret of its own",
            )
        )
    there = {
        f"{section}.{option}"
        for section, options in settings.airflow.config.items()
        for option in options
    }
    found += [
        disagreement(
            Settings,
            "tasks.config",
            name,
            f"options that airflow.config sets ({', '.join(sorted(there)) or 'none'})",
        )
        for name in settings.tasks.config
        if name not in there
    ]
    return found


def refusal(faults: list[str]) -> UpdraftError:
    """Return the error that tells of all that is wrong at once."""
    count = "1 setting is" if len(faults) == 1 else f"{len(faults)} settings are"
    return UpdraftError(
        "\n".join([f"{count} wrong:", *(f"  {fault}" for fault in faults)]),
        fix="change the stack's file, or SET; docs/reference/settings.md lists all settings",
    )
