"""Ask before something is lost."""

from __future__ import annotations

import sys

from infra.cli.options import flag
from infra.errors import UpdraftError


def confirm(question: str) -> None:
    """Ask, unless YES=1.

    Raises:
        UpdraftError: The answer was not yes, or nobody is there to answer.
    """
    if flag("YES"):
        return
    if not sys.stdin.isatty():
        raise UpdraftError(f"{question}?", fix="nobody is here to answer; say YES=1 to agree")
    try:
        answer = input(f"{question}? [y/N] ")
    except EOFError:  # Ctrl-D
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise UpdraftError("not agreed to, so nothing is changed", fix="answer y, or say YES=1")
