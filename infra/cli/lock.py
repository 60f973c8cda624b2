"""One changing command at a time on an instance."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.errors import UpdraftError
from infra.local.paths import Paths


@contextmanager
def exclusive(paths: Paths, say: Callable[[str], None]) -> Iterator[None]:
    """Hold an instance's lock while the block runs; wait, and say so, while another holds it.

    The lock goes with the process, however it ends. The file lies beside the state folder,
    since `down` deletes that.
    """
    file = paths.state.with_name(f"{paths.instance}.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise UpdraftError(
            f"the state folder can't be written: {error.strerror}",
            where=str(file.parent),
            fix="mend its permissions or free space, or name another by UPDRAFT_STATE",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(handle, 20, 0).decode(errors="replace").strip() or "?"
            say(f"another command (process {other}) works on {paths.instance}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
