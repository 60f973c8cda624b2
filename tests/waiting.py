"""Polling for what happens in another process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(predicate: Callable[[], Found], timeout: float, what: str) -> Found:
    """Return the predicate's first true value.

    Raises:
        AssertionError: There was none in time.
    """
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        found = predicate()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")
