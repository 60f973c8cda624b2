"""A sentence for each fault that pydantic finds: the key, what was found, what is allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from infra.output import printable
from infra.settings.airflow_options import is_secret
from infra.settings.grammar.text import SecretsPlace
from infra.settings.hidden import (
    NOT_SHOWN,
    holds_secret,
    looks_secret,
    shown,
    without_logins,
)
from infra.settings.walk import annotation_at, holds, keys_at

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_CONFIG = ["airflow", "config"]
_NOT_OBJECT = ("model_type", "model_attributes_type", "dict_type", "mapping_type")
# Where a commit or a digest stands.
_HASHES = {"ref", "tag", "digest"}
_LONGEST = 80


def describe(root: type[BaseModel], fault: ErrorDetails) -> str:
    """Return `updraft:area.key: found …; allowed: …`, without a secret's value."""
    path = [str(part) for part in fault["loc"]]
    return _sentence(path, _found(root, path, fault), _allowed(root, path, fault))


def disagreement(root: type[BaseModel], key: str, value: object, allowed: str) -> str:
    """Return that sentence of a value that is right by itself and not beside another one."""
    path = key.split(".")
    return _sentence(path, _value(root, path, value), allowed)


def unknown(root: type[BaseModel], path: Sequence[str]) -> str:
    """Return that sentence of a key that is none."""
    return describe(root, {"type": "extra_forbidden", "loc": tuple(path), "msg": "", "input": None})


def _sentence(path: Sequence[str], found: str, allowed: str) -> str:
    key = f"updraft:{'.'.join(map(shown, path))}" if path else "updraft"
    return printable(f"{key}: found {found}; allowed: {allowed}")


def _found(root: type[BaseModel], path: list[str], fault: ErrorDetails) -> str:
    if fault["type"] == "missing":
        return "nothing"
    if fault["type"] == "extra_forbidden":
        return "this unknown key"
    if fault["type"] in _NOT_OBJECT and not _is_secret(root, path, fault["input"]):
        # It stands where a whole object should, so it may be a secret that was put too high.
        return f"a {type(fault['input']).__name__}"
    return _value(root, path, fault["input"])


def _value(root: type[BaseModel], path: list[str], value: object) -> str:
    if _is_secret(root, path, value):
        return f"a secret value {NOT_SHOWN}"
    if holds(annotation_at(root, path), SecretsPlace) and isinstance(value, (str, int, float)):
        kind = f"a text of {len(value)} characters" if isinstance(value, str) else "a number"
        return f"{kind} (not shown: it may be the secret itself)"
    return _shown(value, hashes=bool(path) and path[-1] in _HASHES)


def _is_secret(root: type[BaseModel], path: list[str], value: object) -> bool:
    if path[:2] == _CONFIG and not isinstance(value, Mapping):
        # In any case: an option in capitals is refused, and its value is a secret all the same.
        return is_secret(path[-1].lower()) or holds_secret(str(value))
    return holds(annotation_at(root, path), SecretStr)


def _shown(value: object, *, hashes: bool) -> str:
    if isinstance(value, BaseModel):
        value = dict.fromkeys(value.model_fields_set)
    if isinstance(value, Mapping):
        # Only the keys: a secret may lie below.
        text = "an object with " + (", ".join(sorted(shown(str(key)) for key in value)) or "no key")
    elif isinstance(value, (list, tuple)):
        text = f"a list of {len(value)}"
    elif isinstance(value, str) and looks_secret(value, hashes=hashes):
        text = f"text that looks like a secret {NOT_SHOWN}"
    else:
        text = without_logins(json.dumps(value, default=str, ensure_ascii=False))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _allowed(root: type[BaseModel], path: list[str], fault: ErrorDetails) -> str:
    context: Mapping[str, Any] = fault.get("ctx", {})
    keys = keys_at(root, path[:-1])
    told = {
        "extra_forbidden": f"one of {', '.join(keys)}" if keys else "a value without keys below it",
        "missing": "a value; this setting has no default",
        "value_error": str(context.get("error")),
        "literal_error": str(context.get("expected")),
        **dict.fromkeys(
            ("string_type", "invalid_key"),
            "text; what YAML reads as a number or a date is text in quotes",
        ),
        "string_pattern_mismatch": f"text that matches {context.get('pattern')}",
        **dict.fromkeys(_NOT_OBJECT, "an object"),
    }
    return told.get(fault["type"], fault["msg"].removeprefix("Input should be "))
