"""Airflow's processes on this machine, which end together with the one that began them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Seconds that a process gets to end by itself.
GRACE = 8
# $1: seconds of grace; then the process. Its standard input is a pipe whose other end is ours and
# that nobody writes to. When it closes, since we have ended or were killed, the process's whole
# group is told to end, and then made to.
WATCHED = """
grace=$1; shift
exec 3<&0 </dev/null
( trap '' TERM
  read -r nothing <&3
  kill -TERM -$$ 2>/dev/null
  while [ "$grace" -gt 0 ] && kill -0 $$ 2>/dev/null; do sleep 1; grace=$((grace-1)); done
  kill -KILL -$$ 2>/dev/null ) &
exec 3<&-
exec "$@"
"""


@dataclass(slots=True)
class Components:
    """The processes that run now.

    Args:
        logs: A folder for a log file each.
        environment: Their variables.
        lock: A descriptor that each of them inherits.
    """

    logs: Path
    environment: Mapping[str, str]
    lock: int
    _reader: int = -1
    _writer: int = -1
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """End all of them when the block ends."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self._reader, self._writer = os.pipe()
        try:
            yield
        finally:
            os.close(self._writer)
            os.close(self._reader)
            for process in self._running.values():
                process.wait()

    def start(self, name: str, *arguments: str) -> None:
        """Start an `airflow` command; its log begins anew."""
        command = ["/bin/sh", "-c", WATCHED, name, str(GRACE)]
        with self.log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                [*command, *self.airflow(*arguments)],
                env=self.environment, stdin=self._reader, stdout=log, stderr=log,
                start_new_session=True, pass_fds=[self.lock],
            )  # fmt: skip

    def run(self, name: str, *arguments: str) -> int:
        """Run an `airflow` command to its end and return its exit code."""
        self.start(name, *arguments)
        return self._running.pop(name).wait()

    def airflow(self, *arguments: str) -> list[str]:
        """The command line of an `airflow` command, by this very environment."""
        return [sys.executable, "-m", "airflow", *arguments]

    def ended(self) -> tuple[str, int] | None:
        """The name and exit code of one that has ended, though it shouldn't."""
        for name, process in self._running.items():
            code = process.poll()
            if code is not None:
                return name, code
        return None

    def log(self, name: str) -> Path:
        """Where a process writes to."""
        return self.logs / f"{name}.log"

    def tail(self, name: str, lines: int = 15) -> str:
        """The last lines of a process's log."""
        try:
            return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def described(code: int) -> str:
    """How a process ended."""
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
