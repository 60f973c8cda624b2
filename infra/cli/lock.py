"""One changing command at a time on an instance."""

from __future__ import annotations

from contextlib import AbstractContextManager

from infra.local.alone import alone
from infra.local.paths import Paths
from infra.local.shell import Say


def exclusive(paths: Paths, say: Say) -> AbstractContextManager[None]:
    """Hold an instance's lock while the block runs; wait, and say so, while another holds it.

    Raises:
        UpdraftError: The lock's file can't be written.
    """
    # Beside the state folder, since `down` deletes that.
    lock = paths.state.with_name(f"{paths.instance}.lock")
    return alone(lock, f"command on {paths.instance}", say, mode=0o700)
