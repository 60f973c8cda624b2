"""Grafana's variables in a query, as Grafana fills them in, for those who ask without it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# Grafana's own; the rest are the dashboards'.
DEFAULTS: Final[Mapping[str, str]] = {
    "__rate_interval": "5m",
    "__interval": "1m",
    "__auto": "5m",
    "__range": "1h",
    "__range_s": "3600",
}
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$([A-Za-z_]\w*)")
_SPECIAL: Final = re.compile(r"[\\^$*+?.()|\[\]{}/]")


def variables(text: str) -> set[str]:
    """Return the names of the variables in a query."""
    return {found[1] or found[3] for found in _VARIABLE.finditer(text)}


def substitute(expr: str, values: Mapping[str, str]) -> str:
    """Return a query with its variables replaced.

    Args:
        expr: The query.
        values: By the variable's name, without the $; Grafana's own have defaults for one hour.

    Raises:
        KeyError: A variable is neither among the values nor Grafana's own.
    """
    known = {**DEFAULTS, **values}

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3]
        if name not in known:
            raise KeyError(f"no value for ${name} in {expr}")
        text = known[name]
        return _SPECIAL.sub(r"\\\g<0>", text) if found[2] == "regex" else text

    return _VARIABLE.sub(value, expr)
