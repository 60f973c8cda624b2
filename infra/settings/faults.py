"""A sentence for each fault that pydantic finds: the key, what was found, what is allowed."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel
from pydantic.alias_generators import to_snake

from infra.output import printable
from infra.settings.airflow_options import is_secret

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# connectionId is a secret's place rather than a secret, where a webhook's address gets pasted.
_SECRETS = {"password", "token", "privateKey", "connectionId", "webhook", "apiUrl", "routingKey"}
# The names of Secrets, where a secret itself gets pasted.
_NAMES_OF_SECRETS = {
    "existingSecret",
    "fernetKey",
    "apiSecretKey",
    "jwtSecret",
    "admin",
    "database",
}
_CONFIG = ["airflow", "config"]
_NOT_OBJECT = ("model_type", "model_attributes_type", "dict_type", "mapping_type")
# Of an address: all before its last @ is a login where it has a scheme or a colon.
_LOGIN = re.compile(r"(\w+://)?[^\s\"]*@")
# How the tokens of well-known services begin, and keys and tokens in general.
_TOKEN = re.compile(
    r"-----BEGIN|\bhvs\.|\beyJ|\b(gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|sk[-_]|SG\."
    r"|dckr_pat_|pypi-|npm_|dop_v1_)[A-Za-z0-9_.-]{12,}"
)
_RUN = re.compile(r"[A-Za-z0-9+/=_~-]{20,}")
_LONG_RUN = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32,}")
_KINDS = ("[a-z]", "[A-Z]", "[0-9]")
# Bits a character, above which a run of text is no words. Of 24 random letters and digits it is 4.
_ENTROPY = 3.7
_LONGEST = 80


def describe(root: type[BaseModel], fault: ErrorDetails) -> str:
    """Return `updraft:area.key: found …; allowed: …`, without a secret's value."""
    path = [str(part) for part in fault["loc"]]
    shown = ["(not shown)" if looks_secret(part) else part for part in path]
    key = f"updraft:{'.'.join(shown)}" if path else "updraft"
    told = f"{key}: found {_found(path, fault)}; allowed: {_allowed(root, path, fault)}"
    return printable(told)


def _found(path: list[str], fault: ErrorDetails) -> str:
    if fault["type"] == "missing":
        return "nothing"
    if fault["type"] == "extra_forbidden":
        return "this unknown key"
    if _SECRETS & set(path) or (path[:2] == _CONFIG and is_secret(path[-1])):
        return "a secret value (not shown)"
    if path[-1] in _NAMES_OF_SECRETS and isinstance(fault["input"], str):
        return (
            f"a text of {len(fault['input'])} characters (not shown: it may be the secret itself)"
        )
    if fault["type"] in _NOT_OBJECT:
        # It stands where a whole object should, so it may be a secret that was put too high.
        return f"a {type(fault['input']).__name__}"
    return _shown(fault["input"])


def _shown(value: object) -> str:
    if isinstance(value, BaseModel):
        value = dict.fromkeys(value.model_fields_set)
    if isinstance(value, Mapping):
        # Only the keys: a secret may lie below.
        return "an object with " + (", ".join(sorted(map(str, value))) or "no key")
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, str) and looks_secret(value):
        return "text that looks like a secret (not shown)"
    text = _LOGIN.sub(_without_login, json.dumps(value, default=str, ensure_ascii=False))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _without_login(match: re.Match[str]) -> str:
    whole, scheme = match[0], match[1] or ""
    if not scheme and ":" not in whole:
        return whole
    return f"{scheme}(not shown)@"


def looks_secret(text: str) -> bool:
    """Return whether a text looks like a key, a token or a generated password."""
    if _TOKEN.search(text):
        return True
    if _LONG_RUN.search(text) and not text.startswith("sha256:"):
        return True
    return any(
        _bits(run) > _ENTROPY and all(re.search(kind, run) for kind in _KINDS)
        for run in _RUN.findall(text)
    )


def _bits(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits a character."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)


def _allowed(root: type[BaseModel], path: list[str], fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    told = {
        "extra_forbidden": "one of " + ", ".join(_siblings(root, path)),
        "missing": "a value; this setting has no default",
        "value_error": str(context.get("error")),
        "literal_error": str(context.get("expected")),
        "string_type": "text; what YAML reads as a number or a date is text in quotes",
        "string_pattern_mismatch": f"text that matches {context.get('pattern')}",
        **dict.fromkeys(_NOT_OBJECT, "an object"),
    }
    return told.get(fault["type"], fault["msg"].removeprefix("Input should be "))


def _siblings(root: type[BaseModel], path: list[str]) -> list[str]:
    model: type[BaseModel] | None = root
    for part in path[:-1]:
        model = _below(model, part) if model and not part.isdigit() else model
    return sorted(field.alias or name for name, field in (model or root).model_fields.items())


def _below(model: type[BaseModel], part: str) -> type[BaseModel] | None:
    field = model.model_fields.get(to_snake(part)) or model.model_fields.get(part)
    return _model_in(field.annotation) if field else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(inner) for inner in get_args(annotation))
    return next((model for model in found if model), None)
