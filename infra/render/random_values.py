"""The values that `pulumi-random`'s resources would have, made by Python's `secrets`."""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Mapping
from typing import Any

from infra.errors import UpdraftError

Values = dict[str, str]
SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type
STRING = "random:index/randomString:RandomString"
BYTES = "random:index/randomBytes:RandomBytes"
TYPES = (PASSWORD, STRING, BYTES)


def make(token: str, inputs: Mapping[str, Any]) -> Values:
    """Return fresh outputs for a resource of `pulumi-random`.

    Raises:
        UpdraftError: The type isn't one of `TYPES`.
    """
    if token == BYTES:
        raw = secrets.token_bytes(int(inputs["length"]))
        return {"base64": base64.b64encode(raw).decode(), "hex": raw.hex()}
    if token in {PASSWORD, STRING}:
        return {"result": _text(inputs)}
    raise UpdraftError(
        f"render can't make values of the type {token}",
        fix=f"use one of {', '.join(TYPES)}, or teach infra/render/random_values.py",
    )


def _text(inputs: Mapping[str, Any]) -> str:
    """Return random text by the provider's rules: classes that are on, a least number of each."""
    special = inputs.get("overrideSpecial") or SPECIAL
    classes = {
        "lower": string.ascii_lowercase,
        "upper": string.ascii_uppercase,
        "numeric": string.digits,
        "special": special,
    }
    wanted = {name: chars for name, chars in classes.items() if inputs.get(name, True)}
    drawn: list[str] = []
    for name, chars in wanted.items():
        least = int(inputs.get(f"min{name.capitalize()}", 0))
        drawn += [secrets.choice(chars) for _ in range(least)]
    every = "".join(wanted.values())
    drawn += [secrets.choice(every) for _ in range(int(inputs["length"]) - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)
