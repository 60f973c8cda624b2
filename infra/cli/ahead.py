"""Work that a command begins before its turn, in a process beside it.

Usage: python -m infra.cli.ahead images|tools NAME …

It holds the same locks as the command, so whichever comes second finds the work done. Its output
is shown when its turn comes. Where the command is killed, it goes on, and the next command waits.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from infra import images
from infra.cli.termination import INTERRUPTED, interrupt_on_sigterm
from infra.errors import UpdraftError
from infra.local import packages, tools
from infra.local.paths import Paths
from infra.output import Print
from infra.root import ROOT

POLL = 0.2


class Ahead:
    """One such process.

    Args:
        work: What to make, images or tools.
        names: Which of them.
        logs: The folder of its output.
    """

    def __init__(self, work: str, names: Sequence[str], logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._log = logs / f"{work}.log"
        # In the background as its user knows it, too: it takes what others leave.
        command = ["nice", sys.executable, "-m", "infra.cli.ahead", work, *names]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def follow(self, output: Print) -> None:
        """Tell what it has said, and what it says until it ends."""
        with self._log.open() as log:
            while True:
                ended = self._process.poll() is not None
                for line in log.read().splitlines():
                    output(line)
                if ended:
                    return
                time.sleep(POLL)

    def end(self) -> None:
        """End it, if it still works."""
        self._process.terminate()
        self._process.wait()


def main(arguments: Sequence[str]) -> int:
    """Do the work; a fault is left to the command, which meets it again and tells it whole."""
    interrupt_on_sigterm()
    work, *names = arguments
    cache = Paths.for_instance().cache

    def told(text: str) -> None:
        print(text, flush=True)

    try:
        if work == "images":
            # The cluster's own too: one visit to Debian's archive, while Go compiles.
            packages.ensure(packages.NODE_PACKAGES, cache, told)
            images.build(names, cache=cache, output=told)
        else:
            tools.ensure(names, told, cache=cache)
    except UpdraftError as error:
        print(f"ended early: {error.what.splitlines()[0]}", flush=True)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
