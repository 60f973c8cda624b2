"""Text: one line of it, an absolute path, a secret, and how a rule refuses a value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, SecretStr

HIGHEST_PORT = 65535
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class SecretsPlace:
    """Marks what names a secret, and where the secret itself gets pasted: no error shows it."""


def matching(pattern: str, allowed: str, longest: int = 253) -> Callable[[str], str]:
    """Return a check that a whole text matches a pattern, by the classes of ASCII.

    Args:
        pattern: The regular expression.
        allowed: What the error says is allowed.
        longest: Characters at most.
    """
    whole = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if len(value) > longest or not whole.fullmatch(value):
            raise ValueError(allowed)
        return value

    return check


def is_plain(value: str) -> bool:
    """Return whether a text has no control character, line end or invisible sign."""
    return not any(unicodedata.category(character) in _INVISIBLE for character in value)


def is_port(text: str) -> bool:
    """Return whether a text is the number of a TCP port, as it is usually written."""
    return bool(re.fullmatch(r"[1-9][0-9]{0,4}", text)) and int(text) <= HIGHEST_PORT


def _one_line(value: str) -> str:
    if not value.strip() or not is_plain(value):
        raise ValueError("one line of text that is not empty")
    if value != value.strip():
        raise ValueError("a line without blanks at its ends")
    return value


def _absolute(value: str) -> str:
    path = PurePosixPath(_one_line(value))
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError("an absolute path without ..")
    return value


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.strip():
        raise ValueError("a secret that is not empty")
    if not is_plain(text):
        raise ValueError("a secret of one line, without control characters")
    return value


Version = Annotated[
    str,
    AfterValidator(
        matching(r"[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?", 'a version such as "1.22.0"')
    ),
]
Line = Annotated[str, AfterValidator(_one_line)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
Mail = Annotated[
    str,
    AfterValidator(
        matching(r"[^@\s,;\x00-\x1f]+@[A-Za-z0-9.-]+", "a mail address such as team@example.com")
    ),
]
