"""What a cluster leaves on the host while it runs or when it was killed, and its removal."""

from __future__ import annotations

import contextlib
import shutil

from infra.local import mounts, network
from infra.local.cgroups import Subtree
from infra.local.paths import RUN_ROOT, Paths
from infra.local.shell import run
from infra.output import Print


def found(paths: Paths) -> list[str]:
    """Everything of the instance that the kernel or /run holds, told in words."""
    cgroups = Subtree(paths.name)
    pids = cgroups.pids()
    things = [f"process {pid}" for pid in sorted(pids)]
    things += [f"cgroup {folder}" for folder in cgroups.folders() if folder.exists()]
    if network.namespace_id(paths.netns):
        things.append(f"network namespace {paths.name}")
    if run("ip", "-o", "link", "show", "dev", paths.link, check=False):
        things.append(f"network link {paths.link}")
    things += [f"mount {point}" for point in mounts.points(paths)]
    if paths.run.exists():
        things.append(f"directory {paths.run}")
    return things


def whole(paths: Paths, cgroups: Subtree) -> bool:
    """Whether what runs can be built upon: its namespaces are there, and somebody lives in them."""
    spaces = bool(network.namespace_id(paths.netns)) and mounts.ready(paths)
    return spaces and bool(cgroups.pids())


def clear(paths: Paths, cgroups: Subtree) -> None:
    """End every process of the instance and remove what it has outside its state directory."""
    cgroups.kill()
    mounts.remove(paths)
    network.remove(paths)
    cgroups.remove()
    shutil.rmtree(paths.run, ignore_errors=True)
    with contextlib.suppress(OSError):
        RUN_ROOT.rmdir()  # others' are in it, or it is not there


def mend(paths: Paths, cgroups: Subtree, output: Print) -> None:
    """Clear away a cluster that was killed or whose machine restarted; leave one that lives."""
    if whole(paths, cgroups):
        return
    if found(paths):
        output("clearing away what a killed or restarted cluster left behind")
        clear(paths, cgroups)
