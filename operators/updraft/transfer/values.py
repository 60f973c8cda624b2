"""A driver's values made fit for another database's driver, without changing what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from updraft.transfer.families import Family

Convert = Callable[[Any], Any]
# What SQLite keeps as it is.
_PLAIN = (str, int, float, bytes)


def converters(types: Sequence[str], dialect: str) -> list[Convert | None]:
    """Return what to do with each column's values that are not NULL; None where nothing.

    Args:
        types: The target's columns' types, in its own words.
        dialect: The target database's name, as SQLAlchemy has it.
    """
    if dialect == "sqlite":
        return [to_sqlite] * len(types)
    return [_BY_FAMILY.get(Family.of(each)) for each in types]


def convert(row: Sequence[Any], by: Sequence[Convert | None]) -> list[Any]:
    """Return a row's values converted."""
    return [
        value if value is None or change is None else change(value)
        for value, change in zip(row, by, strict=True)
    ]


def to_json(value: Any) -> str:
    """Return a value as JSON; a text is taken for JSON already, as databases without it keep it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def to_bytes(value: Any) -> bytes:
    """Return bytes; a text by its UTF-8."""
    return value.encode() if isinstance(value, str) else bytes(value)


def to_sqlite(value: Any) -> str | int | float | bytes:
    """Return one of the kinds that SQLite has; a time in UTC, as its own functions write it."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, datetime):
        plain = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return plain.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, dict | list):
        return to_json(value)
    return str(value)


_BY_FAMILY: dict[Family, Convert] = {Family.JSON: to_json, Family.BYTES: to_bytes}
