"""How much memory this process may fill, by the machine and by the control groups that it is in."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from infra.local import cgroups

# Of version 2 and version 1; both of an interface of the kernel (Documentation/admin-guide).
_LIMITS = ("memory.max", "memory.limit_in_bytes")


def available() -> int | None:
    """Bytes: what is free on the machine, or the least limit of a control group above this process.

    None where the system does not tell, such as one that is not Linux.
    """
    try:
        free = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
        groups = Path("/proc/self/cgroup").read_text()
    except OSError:
        return None
    return min([int(free[1]) << 10, *limits(groups, cgroups.hierarchies())]) if free else None


def limits(groups: str, hierarchies: list[cgroups.Hierarchy]) -> Iterator[int]:
    """The limits, in bytes, of the control groups of a process and of those that hold them.

    Args:
        groups: Its /proc/self/cgroup.
        hierarchies: The mounted ones.
    """
    if not hierarchies:
        return
    accounting = cgroups.primary(hierarchies)
    # A line of version 2 names no controller.
    wanted = "memory" if "memory" in accounting.controllers else ""
    for line in groups.splitlines():
        _, names, path = line.split(":", 2)
        if wanted in names.split(","):
            yield from _upwards(accounting.root, path)


def _upwards(root: Path, path: str) -> Iterator[int]:
    folder = root / path.lstrip("/")
    # A container sees its own group as the root, and may be told the path that the host knows.
    for each in (folder, *folder.parents):
        if each == root.parent:
            return
        for name in _LIMITS:
            with contextlib.suppress(OSError, ValueError):
                yield int((each / name).read_text())
