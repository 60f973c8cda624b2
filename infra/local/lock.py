"""One process at a time at what several share: an instance, a cache that two checkouts use."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from infra.local.paths import Paths, make_folder, unwritable
from infra.output import Print


@contextlib.contextmanager
def hold(lock: Path, what: str, output: Print, mode: int = 0o755) -> Iterator[None]:
    """Hold a lock while the block runs; it goes with the process, however that ends.

    Args:
        lock: The file that is locked; it stays.
        what: What another would be doing, told while it is waited for.
        output: Told so.
        mode: Of the lock's folder, where that is made.

    Raises:
        UpdraftError: The file can't be written.
    """
    make_folder(lock.parent, mode)
    try:
        held = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise unwritable(lock.parent, error) from error
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(held, 20, 0).decode(errors="replace").strip() or "?"
            output(f"another {what} is under way (process {other}); waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):  # a full disk: who waits is then not told for whom
            os.ftruncate(held, 0)
            os.pwrite(held, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(held)


def hold_instance(paths: Paths, output: Print) -> AbstractContextManager[None]:
    """Hold an instance's lock while the block runs; wait, and say so, while another holds it.

    Raises:
        UpdraftError: The lock's file can't be written.
    """
    # Beside the state folder, since `down` deletes that.
    lock = paths.state.with_name(f"{paths.instance}.lock")
    return hold(lock, f"command on {paths.instance}", output, mode=0o700)
