"""Who uses a checkout's local Airflow: one at a time, by a lock that goes with its processes."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import UpdraftError
from infra.local.paths import unwritable
from infra.local.processes import started_at

# Seconds for what a killed `make dev` left behind to end.
LEFTOVERS = 30.0


@contextmanager
def taken(folder: Path, otherwise: str = "") -> Iterator[int]:
    """Keep every other one out while the block runs.

    Args:
        folder: Where the local Airflow has its files.
        otherwise: What who is kept out can do but to end the other one.

    Yields:
        The lock's file descriptor. A process that inherits it holds the lock as well, so that it is
        free only when the last of them has ended.

    Raises:
        UpdraftError: There is another one, or the folder was deleted meanwhile.
    """
    lock = folder / "lock"
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        _wait(descriptor, folder, otherwise)
        if not lock.exists() or not os.path.samestat(os.fstat(descriptor), lock.stat()):
            raise UpdraftError(
                "its folder was deleted meanwhile, by make down", where=str(folder), fix="try again"
            )
        yield descriptor
    finally:
        os.close(descriptor)


def write(folder: Path, url: str) -> None:
    """Note who runs, and where, for others to tell."""
    owner = {"pid": os.getpid(), "started": started_at(os.getpid()), "url": url}
    (folder / "owner.json").write_text(json.dumps(owner))


def _wait(descriptor: int, folder: Path, otherwise: str) -> None:
    end = time.monotonic() + LEFTOVERS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse(folder, otherwise, late=time.monotonic() > end)
        else:
            return
        time.sleep(0.1)


def _refuse(folder: Path, otherwise: str, *, late: bool) -> None:
    """Raise an error where another one runs; not where one was killed and is just ending."""
    try:
        owner = json.loads((folder / "owner.json").read_text())
    except (OSError, ValueError):
        owner = {}  # it has only just begun
    pid = owner.get("pid", 0)
    if owner and started_at(pid) == owner.get("started"):
        raise UpdraftError(
            f"make dev runs already: {owner['url']}",
            where=f"process {pid}",
            fix=f"{otherwise}end it by Ctrl-C in its terminal, or by: kill {pid}",
        )
    if late:
        raise UpdraftError(
            "another make dev of this checkout is starting, or doesn't end",
            where=str(folder / "lock"),
            fix="wait for it; `fuser` and that path shows its processes",
        )
