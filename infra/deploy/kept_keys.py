"""Keys that the cluster keeps: with the data that they belong to, whatever becomes of this machine.

What the program draws at random goes into Secrets. Where one of these is there already, its value
is the one to go on with: the database's files know the password, and its connections the key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import NamedTuple

from infra.deploy import live
from infra.deploy.ownership import Ownership
from infra.errors import UpdraftError
from infra.keystore import KeyStore, Values
from infra.output import Print
from infra.render.manifests import Identity
from infra.render.random_values import BYTES, PASSWORD
from infra.settings import Settings
from infra.values import names


class Kept(NamedTuple):
    """Where the cluster keeps what a resource of `pulumi-random` has drawn.

    Args:
        type: The resource's.
        name: The resource's.
        secret: The Secret, in the control plane's namespace.
        key: Of the Secret's data.
        is_drawn: Whether settings have it drawn, rather than given by the user.
    """

    type: str
    name: str
    secret: str
    key: str
    is_drawn: Callable[[Settings], bool]

    @property
    def stored(self) -> str:
        """Its name in the store of keys."""
        return f"{self.type}::{self.name}"


def _has_own_database(settings: Settings) -> bool:
    return settings.database.external is None and not settings.keys.database


KEPT = (
    Kept(
        BYTES, "keys-fernet-key", names.FERNET_KEY, "fernet-key",
        lambda settings: not settings.keys.fernet_key,
    ),
    Kept(
        BYTES, "keys-api-secret-key", names.API_SECRET_KEY, "api-secret-key",
        lambda settings: not settings.keys.api_secret_key,
    ),
    Kept(
        BYTES, "keys-jwt-secret", names.JWT_SECRET, "jwt-secret",
        lambda settings: not settings.keys.jwt_secret,
    ),
    Kept(
        PASSWORD, "keys-admin", names.ADMIN, "password",
        lambda settings: not settings.keys.admin,
    ),
    Kept(PASSWORD, "database-password", names.POSTGRESQL, "password", _has_own_database),
    Kept(
        PASSWORD, "git-access-password", names.GIT_CREDENTIALS, "GITSYNC_PASSWORD",
        lambda settings: settings.dags.server is not None,
    ),
)  # fmt: skip


def recover(keys: KeyStore, settings: Settings, ownership: Ownership, output: Print) -> None:
    """Take into the store what the cluster's Secrets of the platform hold and it doesn't.

    Raises:
        UpdraftError: Both hold a value, and not the same.
    """
    stored = keys.read()
    for one, values in of_cluster(settings, ownership).items():
        known = stored.get(one.stored)
        if known is None:
            output(f"going on with the {one.key} of Secret {one.secret}, which the cluster keeps")
            keys.put(one.stored, values)
        elif known != values:
            raise UpdraftError(
                f"the cluster has another {one.key} than this machine: one of them is not of this "
                "platform's data",
                where=f"Secret {one.secret} in {ownership.owner.home}; {keys.path}",
                fix=f"to go on with the cluster's, move {keys.path} away; to go on with this "
                f"machine's: make kubectl ARGS='-n {ownership.owner.home} delete secret "
                f"{one.secret}'",
            )


def of_cluster(settings: Settings, ownership: Ownership) -> dict[Kept, Values]:
    """Return the drawn values that the platform's Secrets on the cluster hold."""
    kept = [one for one in KEPT if one.is_drawn(settings)]
    there = live.read(ownership.kubectl, (_identity(one, ownership) for one in kept))
    found: dict[Kept, Values] = {}
    for one in kept:
        body = there.get(_identity(one, ownership))
        if body and ownership.is_ours(body):
            text = _decoded(body.get("data") or {}, one.key)
            if text:
                found[one] = _values(one, text)
    return found


def _identity(one: Kept, ownership: Ownership) -> Identity:
    return Identity("v1", "Secret", ownership.owner.home, one.secret)


def _decoded(data: Mapping[str, str], key: str) -> str:
    return base64.b64decode(data.get(key, "")).decode(errors="replace")


def _values(one: Kept, text: str) -> Values:
    if one.type == PASSWORD:
        return {"result": text}
    # Fernet's alphabet is that of URLs; pulumi-random's isn't.
    standard = text.replace("-", "+").replace("_", "/")
    return {"base64": standard, "hex": base64.b64decode(standard).hex()}
