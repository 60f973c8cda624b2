"""The smallest settings that are whole, all that there are, and what refuses a change of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from infra.errors import UpdraftError
from infra.settings import load

SMALLEST: dict[str, object] = {
    "platform": {"name": "here"},
    "cluster": {"context": "here"},
    "image": {"repository": "registry.example.com/airflow", "tag": "1"},
    "dags": {"repository": "https://git.example.com/dags.git"},
}


def fault(config: Mapping[str, object]) -> str:
    """What a refused configuration is told."""
    with pytest.raises(UpdraftError) as caught:
        load(config)
    return str(caught.value)


def walk(
    model: type[BaseModel], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every setting: its path as a fault has it, and its definition."""
    for name, field in model.model_fields.items():
        own = (*path, field.alias or name)
        yield own, field
        for inner in _types(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from walk(inner, own)


def _types(annotation: Any) -> tuple[Any, ...]:
    """What a setting may be: Area, Area | None, tuple[Area, …], Mapping[str, Area]."""
    return (annotation, *get_args(annotation))
