"""Regular expressions that two engines read: Prometheus' (RE2) and the Platform page's (Python)."""

from __future__ import annotations

import re
import warnings
from typing import Annotated

import re2
from pydantic import AfterValidator

from infra.settings.hidden import shown


def _expression(value: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(value, options)
    except re2.error as error:
        raise ValueError(
            f"a regular expression as RE2 reads it, without look-around and back-references: "
            f"{_text(error)}"
        ) from None
    try:
        with warnings.catch_warnings():
            # What may be read otherwise, such as [[:alpha:]].
            warnings.simplefilter("error")
            re.compile(value)
    except (re.error, Warning) as error:
        raise ValueError(f"a regular expression as Python reads it too: {error}") from None
    return value


def _text(error: re2.error) -> str:
    (first, *_) = error.args
    # It quotes the expression.
    return shown(first.decode() if isinstance(first, bytes) else str(first))


Expression = Annotated[str, AfterValidator(_expression)]
