"""How slow this machine is just now, by work like that of an import."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from types import CodeType
from typing import Any, cast

# What is run again: modules of the standard library whose code changes nothing outside of them.
MODULES = ("argparse", "ast", "inspect", "mailbox", "tarfile", "typing", "zipfile")
TIMES = 4
# What that takes at its quickest on the machine that the limits are made for, of its processor.
SECONDS = 0.0055


def slowness(*measured: float) -> float:
    """Return how many times longer than there things take here, 1.0 at least.

    Args:
        measured: Results of `measure` around what is judged, in seconds.

    Example:
        >>> slowness(0.001, 0.002), slowness(2 * SECONDS)
        (1.0, 2.0)
    """
    return max(1.0, sum(measured) / len(measured) / SECONDS)


def measure() -> float:
    """Return the least that the yardstick takes here and now, in seconds of the processor."""
    codes = _codes()
    collects = gc.isenabled()
    # Its time would be that of whatever else is in memory.
    gc.disable()
    took = min(_once(codes) for _ in range(TIMES))
    if collects:
        gc.enable()
    return took


def _once(codes: Sequence[CodeType]) -> float:
    started = time.process_time()
    for code in codes:
        exec(code, {"__name__": "updraft_yardstick"})  # noqa: S102 -- the standard library's
    return time.process_time() - started


@cache
def _codes() -> Sequence[CodeType]:
    found: list[CodeType] = []
    for name in MODULES:
        loader = cast("Any", getattr(find_spec(name), "loader", None))
        found.append(loader.get_code(name))
    return found
