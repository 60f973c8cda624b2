"""The metadata database: PostgreSQL in the cluster, or the connection to an external one."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_random as random

from infra.components.base import SecretArgs, drawn, secret
from infra.components.namespaces import Namespaces
from infra.components.objects import declare
from infra.settings import Settings
from infra.settings.database import External
from infra.values import database, names
from infra.values.pods import claim


@dataclass(frozen=True)
class DatabaseArgs:
    """The settings, and the namespaces to be in."""

    settings: Settings
    namespaces: Namespaces


class Database(pulumi.ComponentResource):
    """What Airflow connects to; `secret` names the Secret with its key `connection`."""

    def __init__(
        self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Database", name, None, opts)
        self._settings = args.settings
        self._namespace = args.settings.namespaces.airflow
        self._after = [*args.namespaces.airflow, *args.namespaces.priorities]
        external = args.settings.database.external
        if external:
            self.secret = self._external(name, external)
        else:
            self.secret = self._internal(name)
        self.register_outputs({"secret": self.secret})

    def _options(
        self, *after: pulumi.Resource, retain_on_delete: bool = False
    ) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, depends_on=[*self._after, *after], retain_on_delete=retain_on_delete
        )

    def _connection(self, name: str, url: pulumi.Input[str]) -> str:
        args = SecretArgs(names.METADATA, self._namespace, {"connection": url})
        secret(f"{name}-connection", args, self._options())
        return names.METADATA

    def _external(self, name: str, external: External) -> str:
        if external.password is None:
            # The settings see to it that one of the two is there.
            return str(external.existing_secret)
        password = external.password.get_secret_value()
        return self._connection(name, database.external_connection(external, password))

    def _internal(self, name: str) -> str:
        login, connection = self._login(name)
        volume = self._volume(name)
        service = self._service(name)
        manifest = {
            "kind": "StatefulSet",
            "metadata": {"name": names.POSTGRESQL, "namespace": self._namespace},
            "spec": database.stateful_set(self._settings, login),
        }
        declare(f"{name}-postgresql", manifest, self._options(volume, service))
        return connection

    def _login(self, name: str) -> tuple[str, str]:
        given = self._settings.keys.database
        if given:
            return given, given
        password = random.RandomPassword(
            f"{name}-password", length=32, special=False, opts=drawn(self)
        )
        args = SecretArgs(names.POSTGRESQL, self._namespace, {"password": password.result})
        # The volume's files know it.
        kept = self._settings.database.internal.keep_volume
        secret(f"{name}-login", args, self._options(retain_on_delete=kept))
        url = password.result.apply(lambda text: database.internal_connection(self._settings, text))
        return names.POSTGRESQL, self._connection(name, url)

    def _volume(self, name: str) -> pulumi.CustomResource:
        internal = self._settings.database.internal
        # A claim that waits for its first pod is not bound before the pod is there.
        manifest = {
            "kind": "PersistentVolumeClaim",
            "metadata": self._waits_not,
            "spec": claim(internal.storage, self._settings.storage_class),
        }
        options = self._options(retain_on_delete=internal.keep_volume)
        return declare(f"{name}-volume", manifest, options)

    def _service(self, name: str) -> pulumi.CustomResource:
        port = {"name": "postgresql", "port": database.PORT, "targetPort": database.PORT}
        spec = {"selector": database.labels(), "ports": [port]}
        # It has no endpoint before the StatefulSet, which comes after it.
        manifest = {"kind": "Service", "metadata": self._waits_not, "spec": spec}
        return declare(f"{name}-service", manifest, self._options())

    @property
    def _waits_not(self) -> dict[str, object]:
        return {
            "name": names.POSTGRESQL,
            "namespace": self._namespace,
            "annotations": {"pulumi.com/skipAwait": "true"},
        }
