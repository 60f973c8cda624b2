"""Work that a command begins before its turn, in a process beside it.

Usage: python -m infra.cli.ahead PARENT aside|"" images|tools NAME …

It holds the same locks as the command, so whichever comes second finds the work done, and it ends
with the command, however that ends. What it says is told when its turn comes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from infra import images
from infra.cli.termination import INTERRUPTED
from infra.errors import UpdraftError
from infra.local import packages, tools
from infra.local.paths import Paths, make_folder, unwritable
from infra.local.shell import UMASK
from infra.output import Output, Print
from infra.root import ROOT

ASIDE = "aside"
# As nice(1) has it.
NICE = 10
GROUP = Path("/proc/self/autogroup")
POLL_SECONDS = 0.2
# Longer than any program that it runs takes to end in order.
PATIENCE_SECONDS = 60.0


class Ahead:
    """One such process.

    Args:
        work: What to make, images or tools.
        names: Which of them.
        logs: The folder of its output.
        aside: Whether it takes what others leave of the processors, since nobody waits for it yet.

    Raises:
        UpdraftError: The folder can't be written.
    """

    def __init__(self, work: str, names: Sequence[str], logs: Path, *, aside: bool = False) -> None:
        make_folder(logs)
        self._log = logs / f"{work}.log"
        asked = [str(os.getpid()), ASIDE if aside else "", work, *names]
        command = [sys.executable, "-m", "infra.cli.ahead", *asked]
        try:
            self._log.unlink(missing_ok=True)
            log = self._log.open("w")
        except OSError as error:
            raise unwritable(logs, error) from error
        with log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, umask=UMASK,
            )  # fmt: skip

    def follow(self, output: Output) -> None:
        """Tell what it has said, each line at the time of it, and what it says until it ends."""
        with self._log.open() as log:
            while True:
                ended = self._process.poll() is not None
                for line in log.read().splitlines():
                    moment, _, text = line.partition(" ")
                    try:
                        output.at(float(moment), text)
                    except ValueError:  # a warning of Python's
                        output(line)
                if ended:
                    self._end_orphans()
                    return
                time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """End it and all that it runs, if it still works."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
            try:
                self._process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._end_orphans()

    def _end_orphans(self) -> None:
        """End what it ran, where it was killed (for memory, say) and could not do so itself."""
        if (self._process.returncode or 0) < 0:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def install_packages(cache: Path, output: Print) -> None:
    """Install what a cluster and its images take of Debian, before their work begins beside this.

    One visit to the archive, which is not to be ended in the middle as that work may be.

    Raises:
        UpdraftError: There is no apt, or it failed.
    """
    packages.ensure({**packages.NODE_PACKAGES, **images.needs(cache)}, cache, output)


def _stand_back() -> None:
    """Take what others leave of the processors, together with all that is run from here on.

    Linux weighs whole sessions where it groups by them, and processes only within one: sched(7).
    """
    os.nice(NICE)
    with suppress(OSError):
        GROUP.write_text(str(NICE))


def _end_with(parent: int) -> None:
    """Interrupt this process and all that it runs once its parent is gone."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.killpg(os.getpid(), signal.SIGINT)


def _say(text: str) -> None:
    for line in text.splitlines():
        print(f"{time.monotonic():.1f} {line}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Do the work; a fault is left to the command, which meets it again and tells it whole."""
    parent, place, work, *names = arguments
    if place == ASIDE:
        _stand_back()
    # Also where the command ignores it, as a shell has its background jobs do.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    cache = Paths.for_instance().cache
    try:
        if work == "images":
            images.build(names, cache=cache, output=_say)
        else:
            tools.ensure(names, _say, cache=cache)
    except UpdraftError as error:
        _say(f"ended early: {error.what.splitlines()[0]}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
