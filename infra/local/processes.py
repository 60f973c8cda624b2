"""Detached node programs, each in a cgroup of its own, known by it and by a record of its start."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.cgroups import Subtree
from infra.local.network import namespace_id
from infra.local.paths import Paths
from infra.local.shell import NODE_PATH, UMASK

# A session of its own, and no child of ours: it neither ends with the terminal nor stays a zombie.
LAUNCH = 'setsid "$@" >> "$0" 2>&1 & echo $!'
# The shell joins the cgroups itself, so that no moment is without them for its children. Then it
# is what systemd is elsewhere: it starts the program again, unless that ends at once each time.
SUPERVISE = """
n=$1; shift
while [ "$n" -gt 0 ]; do echo $$ > "$1"; shift; n=$((n-1)); done
quick=0
while [ "$quick" -lt 5 ]; do
  began=$(date +%s)
  code=0; "$@" || code=$?
  if [ $(($(date +%s) - began)) -lt 10 ]; then quick=$((quick+1)); else quick=0; fi
  echo "updraft: ended with code $code" >&2
  sleep 1
done
"""


@dataclass(frozen=True, slots=True)
class Process:
    """A program that runs for as long as the node.

    Args:
        name: What its cgroup, record and log are called.
        argv: The program and its arguments.
        configs: Files whose change asks for a restart.
        inside: Whether it runs in the node's namespaces or in the host's.
        grace: Seconds that it gets to end by itself.
    """

    name: str
    argv: Sequence[str]
    configs: Sequence[Path] = ()
    inside: bool = True
    grace: float = 5.0
    env: dict[str, str] = field(default_factory=dict)


def started_at(pid: int) -> str:
    """When a process was started: the boot and the clock tick; empty if there is none.

    A pid alone is given again to another process; together with this it is not.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    # The command's name, in brackets, may itself hold spaces and brackets.
    return f"{boot}:{stat.rpartition(')')[2].split()[19]}"


class Processes:
    """The node programs of one instance."""

    def __init__(self, paths: Paths, cgroups: Subtree) -> None:
        self._paths = paths
        self._cgroups = cgroups
        self._records = paths.run / "processes"

    def _signature(self, process: Process) -> str:
        digest = hashlib.sha256(json.dumps([list(process.argv), process.env]).encode())
        for file in process.configs:
            digest.update(file.read_bytes())
        if process.inside:
            digest.update(namespace_id(self._paths.netns).encode())
            digest.update(namespace_id(self._paths.mountns).encode())
        return digest.hexdigest()

    def log(self, name: str) -> Path:
        """The file that a program's output goes to."""
        return self._paths.logs / f"{name}.log"

    def _record_of(self, name: str) -> dict[str, str]:
        try:
            record = json.loads((self._records / f"{name}.json").read_text())
            return {key: str(record[key]) for key in ("pid", "started", "signature")}
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # none, or one that a killed start left half written

    def pid(self, name: str) -> int | None:
        """The process that keeps the program running, if the recorded one is in its cgroup."""
        record = self._record_of(name)
        if not record:
            return None
        pid = int(record["pid"])
        alive = started_at(pid) == record["started"] and pid in self._cgroups.pids("node", name)
        return pid if alive else None

    def current(self, process: Process) -> bool:
        """Whether it runs, as it is asked for now."""
        if self.pid(process.name) is None:
            return False
        return self._record_of(process.name)["signature"] == self._signature(process)

    def start(self, process: Process) -> bool:
        """Start it, unless it runs already as asked for; returns whether it was started."""
        if self.current(process):
            return False
        self.stop(process.name, process.grace)
        folders = self._cgroups.make("node", process.name)
        command = list(process.argv)
        if process.inside:
            namespaces = [f"--net={self._paths.netns}", f"--mount={self._paths.mountns}"]
            command = ["nsenter", *namespaces, "--wd=/", "--", *command]
        files = [str(folder / "cgroup.procs") for folder in folders]
        self._records.mkdir(parents=True, exist_ok=True)
        self.log(process.name).parent.mkdir(parents=True, exist_ok=True)
        launch = ("sh", "-ec", LAUNCH, str(self.log(process.name)))
        done = subprocess.run(
            [*launch, "sh", "-ec", SUPERVISE, "updraft", str(len(files)), *files, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd="/",
            env={"PATH": NODE_PATH, "HOME": "/root", **process.env},
            check=True,
            text=True,
            umask=UMASK,
        )
        pid = int(done.stdout)
        self._record(process, pid)
        self._joined(process.name, pid)
        return True

    def _joined(self, name: str, pid: int) -> None:
        """Wait until the process is in its cgroup or has ended: from then on it can be found."""
        while started_at(pid) and pid not in self._cgroups.pids("node", name):
            time.sleep(0.005)

    def _record(self, process: Process, pid: int) -> None:
        record = {
            "pid": pid,
            "started": started_at(pid),
            "signature": self._signature(process),
        }
        file = self._records / f"{process.name}.json"
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(record))
        partial.replace(file)

    def stop(self, name: str, grace: float = 5.0) -> None:
        """End whatever runs in the program's cgroup, recorded or not."""
        if self._cgroups.pids("node", name):
            self._cgroups.kill("node", name, grace=grace)
        (self._records / f"{name}.json").unlink(missing_ok=True)

    def names(self) -> list[str]:
        """The programs that have a cgroup: running, or ended without being stopped."""
        found = {
            folder.name
            for root in self._cgroups.folders("node")
            if root.is_dir()
            for folder in root.iterdir()
            if folder.is_dir()
        }
        return sorted(found)

    def tail(self, name: str, lines: int = 8) -> str:
        """The last lines of a program's log."""
        try:
            with self.log(name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 16384))
                return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""
