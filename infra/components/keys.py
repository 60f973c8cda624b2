"""Airflow's keys and the administrator's password: made once, or existing Secrets by setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_random as random

from infra.components.base import SecretArgs, drawn, secret
from infra.components.namespaces import Namespaces
from infra.settings import Settings
from infra.values import names


@dataclass(frozen=True)
class KeysArgs:
    """The settings, and the namespaces in which the Secrets lie."""

    settings: Settings
    namespaces: Namespaces


class Keys(pulumi.ComponentResource):
    """Fernet key, API key, JWT key and administrator; `names` says which Secret holds each."""

    def __init__(
        self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Keys", name, None, opts)
        self._namespace = args.settings.namespaces.airflow
        self._options = pulumi.ResourceOptions(parent=self, depends_on=args.namespaces.airflow)
        self._kept = pulumi.ResourceOptions.merge(
            self._options, pulumi.ResourceOptions(retain_on_delete=args.settings.data_outlives)
        )
        given = args.settings.keys
        if not given.fernet_key:
            self._fernet(f"{name}-fernet-key")
        if not given.api_secret_key:
            self._key(f"{name}-api-secret-key", names.API_SECRET_KEY, "api-secret-key")
        if not given.jwt_secret:
            self._key(f"{name}-jwt-secret", names.JWT_SECRET, "jwt-secret")
        if not given.admin:
            self._admin(f"{name}-admin", args.settings.airflow.admin.username)
        self.names = {
            "fernet": given.fernet_key or names.FERNET_KEY,
            "api": given.api_secret_key or names.API_SECRET_KEY,
            "jwt": given.jwt_secret or names.JWT_SECRET,
            "admin": given.admin or names.ADMIN,
        }
        self.register_outputs({"names": self.names})

    def _fernet(self, resource: str) -> None:
        raw = random.RandomBytes(resource, length=32, opts=drawn(self))
        # Fernet wants the alphabet of URLs.
        key = raw.base64.apply(lambda text: text.replace("+", "-").replace("/", "_"))
        self._secret(resource, names.FERNET_KEY, {"fernet-key": key}, self._kept)

    def _key(self, resource: str, name: str, key: str) -> None:
        raw = random.RandomBytes(resource, length=64, opts=drawn(self))
        self._secret(resource, name, {key: raw.base64}, self._options)

    def _admin(self, resource: str, username: str) -> None:
        password = random.RandomPassword(resource, length=24, special=False, opts=drawn(self))
        login: dict[str, pulumi.Input[str]] = {"username": username, "password": password.result}
        self._secret(resource, names.ADMIN, login, self._kept)

    def _secret(
        self,
        resource: str,
        name: str,
        values: Mapping[str, pulumi.Input[str]],
        options: pulumi.ResourceOptions,
    ) -> None:
        secret(f"{resource}-secret", SecretArgs(name, self._namespace, values), options)
