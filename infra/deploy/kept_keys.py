"""Keys that the cluster keeps: with the data that they belong to, whatever becomes of this machine.

What the program draws at random goes into Secrets. Where one of these is there already, its value
is the one to go on with: the database's files know the password, and its connections the key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
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
            keys.add({one.stored: values})
        elif known != values:
            raise UpdraftError(
                f"the cluster has another {one.key} than this machine: one of the two was changed, "
                "or is another platform's",
                where=f"Secret {one.secret} in {ownership.owner.home}; {keys.path}",
                fix=f"to write this machine's again: make kubectl ARGS='-n {ownership.owner.home} "
                f"delete secret {one.secret}', then the same again. Only where the file is not of "
                "this platform move it away, and keep it: the cluster's is taken then, as it is",
            )


def of_cluster(settings: Settings, ownership: Ownership) -> dict[Kept, Values]:
    """Return the drawn values that the platform's Secrets on the cluster hold."""
    return _there([one for one in KEPT if one.is_drawn(settings)], ownership)


def _there(kept: Iterable[Kept], ownership: Ownership) -> dict[Kept, Values]:
    kept = list(kept)
    there = live.read(ownership.kubectl, (_identity(one, ownership) for one in kept))
    found: dict[Kept, Values] = {}
    for one in kept:
        body = there.get(_identity(one, ownership))
        if body and ownership.is_ours(body):
            values = _values(one, (body.get("data") or {}).get(one.key, ""))
            if values:
                found[one] = values
    return found


def knows(keys: KeyStore, ownership: Ownership) -> bool:
    """Whether the store has a key that the cluster has as the platform's, and the same."""
    stored = keys.read()
    return any(stored.get(one.stored) == values for one, values in _there(KEPT, ownership).items())


def refuse_older(keys: KeyStore, ownership: Ownership) -> None:
    """Refuse a platform of version 0.1, which bears no name, where this machine has not its keys.

    Raises:
        UpdraftError: It has not: it may be anybody's.
    """
    if ownership.older and _there(KEPT, ownership) and not knows(keys, ownership):
        inventory = ownership.inventory.identity
        raise UpdraftError(
            f"the platform in {ownership.owner.home} was made by version 0.1, and not with the "
            "keys of this machine",
            where=f"{inventory}; {keys.path}",
            fix="choose other namespaces by updraft:namespaces; or, if it is yours, and its keys "
            f"are lost here: make adopt TAKE={inventory.kind}/{inventory.namespace}/"
            f"{inventory.name}",
        )


def _identity(one: Kept, ownership: Ownership) -> Identity:
    return Identity("v1", "Secret", ownership.owner.home, one.secret)


def _values(one: Kept, data: str) -> Values | None:
    """Return the values of what a Secret holds; None for what was never drawn."""
    try:
        text = base64.b64decode(data).decode()
        if one.type == PASSWORD:
            return {"result": text} if text else None
        # Fernet's alphabet is that of URLs; pulumi-random's isn't.
        standard = text.replace("-", "+").replace("_", "/")
        raw = base64.b64decode(standard, validate=True)
    except ValueError:
        return None
    return {"base64": standard, "hex": raw.hex()} if raw else None
