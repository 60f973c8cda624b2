"""SIGTERM ends a command as Ctrl-C does: what it has begun is ended in order."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130


def interrupt_on_sigterm() -> None:
    """Have SIGTERM raise KeyboardInterrupt in this process from now on."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    # A second one, such as to the whole group, would end the clean-up that the first one began.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
