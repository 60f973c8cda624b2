"""Whether a git remote can be reached from where git-sync would run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.errors import UpdraftError
from infra.settings.grammar.git import address_of

CONNECT = (
    "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), {}).close()"
)


def refuse_unreachable(remote: str, netns: Path) -> None:
    """Refuse a remote to which no connection can be made.

    Tried before anything changes: task pods take a new remote at once, and would all fail.

    Args:
        remote: A git remote.
        netns: The network namespace of the node; from this machine's where there is none.

    Raises:
        UpdraftError: No connection in time.
    """
    host, port = address_of(remote)
    enter = ["nsenter", f"--net={netns}", "--"] if netns.exists() else []
    whence = "the embedded cluster" if enter else "this machine"
    program = [sys.executable, "-S", "-c", CONNECT, host, str(port)]
    done = subprocess.run([*enter, *program], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise UpdraftError(
            f"the git remote can't be reached from {whence}: {reason}",
            where=f"updraft:dags.repository: {remote} (host {host}, port {port})",
            fix="mend the address or the network; the embedded cluster's pods have no way out of "
            "this machine, so leave dags.repository out there and use make push-dags",
        )
