"""Airflow's metadata database, and the keys' existing Secrets."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from infra import versions
from infra.settings.base import Area, Flag, Resources, resources
from infra.settings.grammar.addresses import Host
from infra.settings.grammar.images import ImageReference
from infra.settings.grammar.kubernetes import ObjectName, Port, SecretName, Storage
from infra.settings.grammar.text import Line, Secret

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class External(Area):
    """A PostgreSQL server that runs elsewhere; its database must be in UTF8."""

    host: Host = Field(description="Host.")
    port: Port = Field(5432, description="Port.")
    name: Line = Field("airflow", description="Database.")
    user: Line = Field("airflow", description="User.")
    password: Secret | None = Field(None, description="Password (set it with `--secret`).")
    existing_secret: SecretName | None = Field(
        None, description="Secret whose key connection holds the whole SQLAlchemy URL."
    )
    ssl_mode: SslMode = Field("require", description="libpq's sslmode.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.password is None) == (self.existing_secret is None):
            raise ValueError("exactly one of password and existingSecret")
        return self


class Internal(Area):
    """The PostgreSQL that Updraft runs itself: one pod and one volume."""

    image: ImageReference = Field(versions.POSTGRES_IMAGE, description="PostgreSQL 17 image.")
    storage: Storage = Field("10Gi", description="Size of its volume.")
    storage_class: ObjectName | None = Field(
        None, description="StorageClass; scheduling.storageClass if it is not set."
    )
    keep_volume: Flag = Field(True, description="Leave the volume behind at `pulumi destroy`.")
    resources: Resources = Field(
        default_factory=lambda: resources(("100m", "256Mi"), ("1", "1Gi")),
        description="Requests and limits.",
    )


class Database(Area):
    """External in production; inside the cluster otherwise."""

    external: External | None = Field(None, description="Use this server.")
    internal: Internal = Field(
        default_factory=Internal, description="Used where external is not set."
    )


class Keys(Area):
    """Existing Secrets to use in place of generated ones."""

    fernet_key: SecretName | None = Field(None, description="Secret with the key fernet-key.")
    api_secret_key: SecretName | None = Field(
        None, description="Secret with the key api-secret-key."
    )
    jwt_secret: SecretName | None = Field(None, description="Secret with the key jwt-secret.")
    admin: SecretName | None = Field(
        None, description="Secret with the keys username and password."
    )
    database: SecretName | None = Field(
        None, description="Secret with password (the in-cluster database's) and connection."
    )
