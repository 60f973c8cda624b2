"""Which setting a path leads to, by the types of the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

# Pydantic's word in a path for a mapping's key, rather than what lies below it.
_KEY = "[key]"


def annotation_at(root: Any, path: Iterable[str]) -> Any:
    """Return the type of what a path leads to, None where there is no such setting.

    Args:
        root: The type of all settings.
        path: Keys as a stack's file has them, and the indices of lists.
    """
    found = root
    for part in path:
        found = next((below for one in _plain(found) if (below := _below(one, part))), None)
    return found


def keys_at(root: Any, path: Iterable[str]) -> list[str] | None:
    """Return the keys of the area that a path leads to; None where it is no area."""
    for one in _plain(annotation_at(root, path)):
        if _is_area(one):
            return sorted(field.alias or name for name, field in one.model_fields.items())
    return None


def holds(annotation: Any, kind: type) -> bool:
    """Return whether a type is of a kind, is marked by one, or is a list or mapping of it."""
    if annotation is kind or isinstance(annotation, kind):
        return True
    return any(holds(one, kind) for one in get_args(annotation))


def _plain(annotation: Any) -> Iterable[Any]:
    """Yield the types that a union, or what is annotated, is made of."""
    if get_origin(annotation) is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for one in get_args(annotation):
            yield from _plain(one)
    else:
        yield annotation


def _below(annotation: Any, part: str) -> Any:
    if _is_area(annotation):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        field = fields.get(part)
        # Annotated takes no type alone, and a field may have no other metadata than itself.
        return field and Annotated[(field.annotation, *field.metadata, field)]
    inner = get_args(annotation)
    if get_origin(annotation) is tuple:
        return inner[0]
    if get_origin(annotation) is Mapping:
        return inner[0] if part == _KEY else inner[1]
    return None


def _is_area(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
