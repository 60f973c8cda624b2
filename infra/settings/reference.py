"""The reference page of all settings, written from their definitions by running this module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from infra.settings import PROJECT, Settings
from infra.settings.base import Resources

_HEAD = """\
# Settings

Written by `python -m infra.settings.reference` from `infra/settings/`; change it there. Each area
is one key `updraft:<area>` in a stack's file `Pulumi.<stack>.yaml`. An unknown key or a bad value
is refused, with its name. A secret is set by
`pulumi config set --secret --path 'updraft:<area>.<key>'`, and Pulumi encrypts it in that file.
"""


def text() -> str:
    """Return the page in Markdown."""
    lines = [_HEAD]
    for name, field in Settings.model_fields.items():
        lines += [f"## {PROJECT}:{field.alias or name}", "", field.description or "", ""]
        lines += ["| Setting | Type | Default | |", "|---|---|---|---|"]
        model = _model(field.annotation)
        lines += [_row(*row) for row in (_rows(model) if model else ())]
        lines.append("")
    return "\n".join(lines)


def _rows(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        key = f"{path}{field.alias or name}"
        inner = _model(field.annotation)
        if inner and inner is not Resources:
            if field.default is None:
                yield key, field
            many = get_origin(field.annotation) is tuple
            yield from _rows(inner, f"{key}[]." if many else f"{key}.")
        else:
            yield key, field


def _row(key: str, field: FieldInfo) -> str:
    cells = (f"`{key}`", _type(field.annotation), _default(field), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: FieldInfo) -> str:
    if isinstance(field.json_schema_extra, dict) and "default" in field.json_schema_extra:
        return f"`{field.json_schema_extra['default']}`"  # by the stack
    if field.default_factory is not None:
        value = field.get_default(call_default_factory=True, validated_data={})
    else:
        value = field.default
    if value is PydanticUndefined:
        return "needed"
    if isinstance(value, Resources):
        requests, limits = value.requests, value.limits
        sides = (
            f"requests {requests.cpu}, {requests.memory}",
            f"limits {limits.cpu}, {limits.memory}",
        )
        return "; ".join(sides)
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return (
        ""
        if value in (None, {})
        else f"`{str(value).lower() if isinstance(value, bool) else value}`"
    )


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model(inner) for inner in get_args(annotation))
    return next((model for model in found if model), None)


def _type(annotation: Any) -> str:
    if _model(annotation):
        return "list" if get_origin(annotation) is tuple else "object"
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(map(str, inner))
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if NoneType in inner:
        return next(_type(each) for each in inner if each is not NoneType)
    if hasattr(annotation, "__metadata__"):
        return _type(inner[0])
    names = {str: "text", int: "number", float: "number", bool: "true, false", SecretStr: "secret"}
    return names.get(annotation, "object")


if __name__ == "__main__":
    sys.stdout.write(text())
