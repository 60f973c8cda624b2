"""Pulumi's own progress in fewer lines: what is done, what is awaited, and every warning."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from infra.output import Print

_LINE = re.compile(
    r"^ *(?P<mark>[-+~= ]+?) +(?P<type>[a-z][\w./-]*:\S+:\w+) (?P<name>\S+) (?P<state>\w+)"
)
_BEGUN = {"creating", "updating", "deleting", "replacing", "reading", "refreshing"}
_NOISE = ("@ ", "using pulumi-resource-", "completed with exit code 0")
_HEADER = re.compile(r"^ *(Diagnostics|\S+:\S+:\S+ \(\S+\)):$")
# A component is open until all of it is there, and says nothing that its parts don't.
_COMPONENT = "updraft:"
_SECONDS = 10.0


class Progress:
    """Passes on the lines that say something new.

    Args:
        output: Told a line.
        clock: Seconds, as time.monotonic gives them.
    """

    def __init__(self, output: Print, clock: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._clock = clock
        self._open: dict[str, float] = {}
        self._headers: list[str] = []
        self._spoke = clock()

    def line(self, text: str) -> None:
        """Take a line of Pulumi's output."""
        if not text.strip() or any(noise in text for noise in _NOISE):
            self._remind()
            return
        if _HEADER.match(text):
            # Told only if anything comes below it.
            self._headers.append(text)
            return
        found = _LINE.match(text)
        if not found:
            if not text.startswith("Resources:"):
                for header in self._headers:
                    self._tell(header)
            self._headers.clear()
            self._tell(text)
            return
        name, state = found["name"], found["state"]
        if found["type"].startswith(_COMPONENT):
            self._remind()
            return
        if state in _BEGUN:
            self._open.setdefault(name, self._clock())
            if "error" in text or "warning: [Pod" in text:
                self._tell(text)
        elif self._open.pop(name, None) is not None or state == "failed":
            self._tell(f"{state} {found['type'].rpartition(':')[2]} {name}")
        self._remind()

    def _tell(self, text: str) -> None:
        self._spoke = self._clock()
        self._output(text.rstrip())

    def _remind(self) -> None:
        now = self._clock()
        if self._open and now - self._spoke >= _SECONDS:
            waited = (f"{name} ({now - since:.0f} s)" for name, since in self._open.items())
            self._tell("waiting for " + ", ".join(sorted(waited)))
