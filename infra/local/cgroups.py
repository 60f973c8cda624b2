"""One cgroup subtree an instance, in each hierarchy of the host, version 1 or 2."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# The kubelet refuses a root that lacks one of these which the machine has.
CONTROLLERS = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")
KILL_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A mounted cgroup hierarchy.

    Args:
        root: Where it is mounted.
        version: 1 or 2.
        controllers: The controllers of a version 1 hierarchy; none for version 2.
    """

    root: Path
    version: int
    controllers: frozenset[str]


def hierarchies(mountinfo: str | None = None) -> list[Hierarchy]:
    """The host's hierarchies, from /proc/self/mountinfo or its given text."""
    if mountinfo is None:
        mountinfo = Path("/proc/self/mountinfo").read_text()
    found = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        root = Path(left.split(" ")[4])
        if kind in {"cgroup", "cgroup2"}:
            controllers = options.split(",") if kind == "cgroup" else []
            version = 1 if kind == "cgroup" else 2
            found[root] = Hierarchy(root, version, frozenset(controllers))
    return sorted(found.values(), key=lambda h: str(h.root))


def unified(found: list[Hierarchy]) -> bool:
    """Whether version 2 alone carries the controllers."""
    return all(h.version == 2 for h in found)  # noqa: PLR2004 - the version's own number


def _inherit_cpuset(folder: Path) -> None:
    """A version 1 cpuset starts empty, and takes no process until it is given CPUs and memory."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.exists() and not file.read_text().strip():
            file.write_text((folder.parent / name).read_text())


def primary(found: list[Hierarchy]) -> Hierarchy:
    """The hierarchy that accounts for memory: every program places its processes in it."""
    return next((h for h in found if "memory" in h.controllers), None) or next(
        h
        for h in found
        if h.version == 2  # noqa: PLR2004 - the version's own number
    )


class Subtree:
    """An instance's cgroups: `/<name>/node/<program>` for ours, `/<name>/kubepods` for pods."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._hierarchies = hierarchies()

    def folders(self, *below: str) -> list[Path]:
        """The directory in each hierarchy, whether it exists or not."""
        return [h.root.joinpath(self.name, *below) for h in self._hierarchies]

    def make(self, *below: str) -> list[Path]:
        """Make the cgroup in each hierarchy; returns its directories."""
        for hierarchy in self._hierarchies:
            folder = hierarchy.root
            for part in (self.name, *below):
                if unified([hierarchy]):
                    self._enable(folder)
                folder /= part
                folder.mkdir(exist_ok=True)
                _inherit_cpuset(folder)
        return self.folders(*below)

    @staticmethod
    def _enable(folder: Path) -> None:
        """Pass controllers on to the children; only those that the hierarchy has."""
        offered = (folder / "cgroup.controllers").read_text().split()
        for name in CONTROLLERS:
            if name in offered:
                # The kernel refuses what a neighbour holds otherwise; accounting then lacks it.
                with contextlib.suppress(OSError):
                    (folder / "cgroup.subtree_control").write_text(f"+{name}")

    def _walk(self, *below: str) -> Iterator[Path]:
        for folder in self.folders(*below):
            for path, _, _ in os.walk(folder, topdown=False):
                yield Path(path)

    def pids(self, *below: str) -> set[int]:
        """Every process in the cgroup or beneath it.

        Of the whole instance: in any hierarchy. Of a part: in the one that accounts for memory,
        since some programs (containerd for its shims) place their children in no other.
        """
        found: set[int] = set()
        root = primary(self._hierarchies).root
        for folder in self._walk(*below):
            if below and not folder.is_relative_to(root):
                continue
            with contextlib.suppress(OSError):
                found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
        return found

    def signal(self, number: int, *below: str) -> set[int]:
        """Send a signal to each process of the cgroup; returns those that were there."""
        pids = self.pids(*below)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    def kill(self, *below: str, grace: float = 0.0) -> None:
        """End each process: by SIGTERM for up to `grace` seconds, then by SIGKILL.

        Raises:
            TimeoutError: Some are still there: they hang in the kernel.
        """
        if grace:
            self.signal(signal.SIGTERM, *below)
            until = time.monotonic() + grace
            while self.pids(*below) and time.monotonic() < until:
                time.sleep(0.05)
        until = time.monotonic() + KILL_PATIENCE
        while self.signal(signal.SIGKILL, *below):
            if time.monotonic() > until:
                raise TimeoutError(f"processes {sorted(self.pids(*below))} don't end")
            time.sleep(0.02)

    def exists(self) -> bool:
        """Whether any hierarchy has the subtree."""
        return any(folder.exists() for folder in self.folders())

    def remove(self, *below: str) -> None:
        """Remove the cgroup and all beneath it; its processes must have ended."""
        until = time.monotonic() + KILL_PATIENCE
        while True:
            for folder in self._walk(*below):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            left = [f for f in self.folders(*below) if f.exists()]
            if not left or time.monotonic() > until:
                break
            time.sleep(0.05)  # a cgroup of a process that just ended is busy for a moment

    def working_set(self) -> int:
        """Bytes in use that the kernel can't just drop, as the kubelet counts them; 0 if none."""
        for folder in self.folders():
            for usage, key in (
                ("memory.usage_in_bytes", "total_inactive_file"),
                ("memory.current", "inactive_file"),
            ):
                file = folder / usage
                if file.exists():
                    rows = (
                        line.split() for line in (folder / "memory.stat").read_text().splitlines()
                    )
                    return max(0, int(file.read_text()) - int(dict(rows).get(key, "0")))
        return 0
