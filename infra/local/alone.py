"""One process at a time at what several share, such as a cache that two checkouts use."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from infra.local.shell import Say


@contextlib.contextmanager
def alone(lock: Path, what: str, say: Say) -> Iterator[None]:
    """Hold a lock while the block runs; it goes with the process, however that ends.

    Args:
        lock: The file that is locked; it stays.
        what: What another would be doing, told while it is waited for.
        say: Told so.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another {what} in the same cache to end")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
