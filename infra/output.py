"""What a command tells its user while it works: one line an event, each with the time so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

# What is told a line of progress; an Output is one.
Print = Callable[[str], None]


def printable(name: str) -> str:
    """A name as a terminal may get it: what is no text, or moves the cursor, escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def clock(seconds: float) -> str:
    """Seconds as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@dataclass(slots=True)
class Output:
    """Tells progress; called with a line, it prints it behind the time since the command began."""

    steps: int = 0
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    started: float = field(default_factory=time.monotonic)
    _step: int = 0

    def __call__(self, text: str) -> None:
        """Tell one event; each line of it gets the time."""
        self.at(time.monotonic(), text)

    def at(self, moment: float, text: str) -> None:
        """Tell an event of another moment, by `time.monotonic`, which all processes share."""
        for line in text.splitlines() or [""]:
            print(f"  {clock(moment - self.started):>5}  {line}", file=self.stream, flush=True)

    @property
    def seconds(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.started

    def step(self, title: str) -> None:
        """Begin the next step, numbered."""
        self._step += 1
        print(f"[{self._step}/{self.steps}] {title}", file=self.stream, flush=True)

    def framed(self, lines: list[str]) -> None:
        """Print a notice that can't be missed."""
        width = max(len(line) for line in lines)
        edge = "─" * (width + 2)
        body = [f"│ {line:<{width}} │" for line in lines]
        print("\n".join([f"┌{edge}┐", *body, f"└{edge}┘"]), file=self.stream, flush=True)
