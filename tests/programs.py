"""Pinned programs for the tests, each waited for alone where others are being compiled."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping
from pathlib import Path

from infra.local import tools
from infra.local.paths import Paths
from infra.local.programs import TEST_TOOLS
from tests.waiting import wait_for

# Of all programs, on two processors that run tests, too.
COMPILED = 5400.0


def programs(*names: str) -> Mapping[str, Path]:
    """Give programs by their names; they are built where they are missing and nobody is at it."""
    store = tools.ToolCache(Paths.for_instance().cache)
    wait_for(
        lambda: not (store.missing(names) and _held(store.lock)),
        COMPILED,
        f"{', '.join(names)}, which another process compiles",
    )
    # The tests' own are built together: what they share is compiled once.
    together = TEST_TOOLS if set(store.missing(names)) & set(TEST_TOOLS) else ()
    return tools.ensure({*names, *together}, print)


def _held(lock: Path) -> bool:
    """Whether a process compiles, which then holds the lock."""
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
