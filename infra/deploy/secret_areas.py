"""Which areas of a stack's settings hold a secret: Pulumi is given these encrypted."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, SecretStr

from infra.settings import Settings
from infra.values import options


def secret_areas(settings: Settings) -> set[str]:
    """Return the areas, as a stack's file names them."""
    found = {
        field.alias or name
        for name, field in Settings.model_fields.items()
        if _holds_secret(getattr(settings, name))
    }
    return found | ({"airflow"} if options.hidden(settings) else set())


def _holds_secret(value: object) -> bool:
    if isinstance(value, BaseModel):
        return any(_holds_secret(getattr(value, name)) for name in type(value).model_fields)
    if isinstance(value, Mapping):
        return any(_holds_secret(one) for one in value.values())
    if isinstance(value, tuple):
        return any(_holds_secret(one) for one in value)
    return isinstance(value, SecretStr)
