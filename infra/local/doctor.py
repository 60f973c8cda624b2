"""What the embedded cluster needs of a machine: found, required, and the way to mend it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.errors import UpdraftError
from infra.local import cgroups, golang, packages, reachability, tools
from infra.local.images import ARCHITECTURES
from infra.local.paths import Paths
from infra.local.programs import TEST_TOOLS, TOOLS
from infra.local.shell import run

GIB = 1024**3
OLDEST_KERNEL = (5, 13)
OLDEST_PYTHON = (3, 11)
LEAST_MEMORY = 6 * GIB
# Tools, base system, images and the cluster's data; and what Go needs while it builds.
LEAST_DISK = 10 * GIB
BUILD_DISK = 32 * GIB
LEAST_PROCESSORS = 2
CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_NET_ADMIN": 12, "CAP_DAC_OVERRIDE": 1}
CONTROLLERS = {"cpu", "cpuset", "memory", "pids"}
ELSEWHERE = (
    "use a cluster that you have: make up CONTEXT=name REGISTRY=registry.example.com/team;"
    " or a Linux machine (a virtual one too) where you are root"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One need.

    Args:
        name: What it is.
        found: What the machine has.
        required: What is asked for.
        ok: Whether that is enough.
        fix: The way to mend it, when it is not.
    """

    name: str
    found: str
    required: str
    ok: bool
    fix: str = ""


def _system() -> Iterator[Check]:
    system, machine = platform.system(), platform.machine()
    yield Check("system", system, "Linux", system == "Linux", ELSEWHERE)
    known = ", ".join(ARCHITECTURES)
    yield Check("processor", machine, known, machine in ARCHITECTURES, ELSEWHERE)
    root = os.geteuid() == 0
    user = "root" if root else f"uid {os.geteuid()}"
    yield Check("user", user, "root", root, f"sudo -E make up; or {ELSEWHERE}")
    python = ".".join(map(str, sys.version_info[:3]))
    enough = sys.version_info[:2] >= OLDEST_PYTHON
    yield Check("Python", python, "3.11 or later", enough, "install a later Python")


def _kernel() -> Iterator[Check]:
    release = platform.release()
    parts = release.split(".")
    version = tuple(int(p) for p in parts[:2]) if parts[0].isdigit() else (0, 0)
    needed = ".".join(map(str, OLDEST_KERNEL))
    yield Check(
        "kernel", release, f"{needed} or later (kube-proxy by nftables)", version >= OLDEST_KERNEL
    )
    status = Path("/proc/self/status").read_text()
    bits = int(next(x for x in status.splitlines() if x.startswith("CapEff")).split()[1], 16)
    lacking = [name for name, bit in CAPABILITIES.items() if not bits >> bit & 1]
    found = f"without {', '.join(lacking)}" if lacking else "all there"
    yield Check(
        *("capabilities", found, ", ".join(CAPABILITIES), not lacking),
        "run it as root, outside of a container or in a privileged one",
    )
    yield _cgroups()
    if not lacking:
        yield _networking()


def _cgroups() -> Check:
    found = cgroups.hierarchies()
    have: set[str] = set()
    for hierarchy in found:
        if hierarchy.version == 1:
            have |= hierarchy.controllers
        elif (hierarchy.root / "cgroup.controllers").exists():
            have |= set((hierarchy.root / "cgroup.controllers").read_text().split())
    version = "version 2" if cgroups.unified(found) else "version 1"
    lacking = sorted(CONTROLLERS - have)
    return Check(
        "cgroups",
        f"{version}, without {', '.join(lacking)}" if lacking else version,
        ", ".join(sorted(CONTROLLERS)),
        not lacking,
        "start the kernel with these controllers (cgroup_enable=memory on some boards)",
    )


def _networking() -> Check:
    """Try links and nftables in a namespace that ends with the trial."""
    trials = {"veth": "ip link add name trial0 type veth peer name trial1"}
    if shutil.which("nft", path=packages.SYSTEM_FOLDERS):
        trials["nftables"] = "nft add table ip trial"
    lacking = []
    for name, command in trials.items():
        try:
            run("unshare", "--net", "sh", "-c", command)
        except UpdraftError:
            lacking.append(name)
    found = f"without {', '.join(lacking)}" if lacking else ", ".join(trials)
    fix = "load the kernel's modules veth and nf_tables (modprobe)"
    return Check("networking", found, "veth, nftables", not lacking, fix)


def _nearest(folder: Path) -> Path:
    """The folder, or what exists of its way."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _resources(paths: Paths, *, builds: bool) -> Iterator[Check]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Check(
        *("memory", f"{memory / GIB:.0f} GiB", f"{LEAST_MEMORY // GIB} GiB"),
        *(memory >= LEAST_MEMORY * 0.95, "take a larger machine"),
    )
    count = os.cpu_count() or 1
    yield Check("processors", str(count), str(LEAST_PROCESSORS), count >= LEAST_PROCESSORS)
    needs = {paths.cache: BUILD_DISK if builds else LEAST_DISK // 2, paths.state: LEAST_DISK // 2}
    by_device: dict[int, tuple[Path, int]] = {}
    for folder, need in needs.items():
        near = _nearest(folder)
        first, sum_so_far = by_device.get(near.stat().st_dev, (folder, 0))
        by_device[near.stat().st_dev] = (first, sum_so_far + need)
    for folder, need in by_device.values():
        free = shutil.disk_usage(_nearest(folder)).free
        yield Check(
            *(f"disk of {folder}", f"{free / GIB:.1f} GiB free", f"{need // GIB} GiB"),
            free >= need,
            "free some, or name folders elsewhere by UPDRAFT_CACHE and UPDRAFT_STATE",
        )


def _programs(paths: Paths, missing: list[str]) -> Iterator[Check]:
    apt = shutil.which("apt-get") is not None
    lacking = packages.missing(packages.NODE_PACKAGES)
    yield Check(
        "Debian packages",
        f"without {', '.join(lacking)}" if lacking else "all there",
        "installed by make up" if apt else ", ".join(packages.NODE_PACKAGES),
        apt or not lacking,
        "install them by your distribution's own tool",
    )
    least = golang.needed(tools.SOURCES)
    go = golang.find(least, paths.cache)
    need = ".".join(map(str, least))
    found = str(go) if go else "none that new"
    yield Check("Go", found, f"{need}, else installed from PyPI by make up", ok=True)
    built = f"{len(missing)} to be built" if missing else "all built"
    yield Check("tools", built, "built by make up, once", ok=True)


def _registries() -> Iterator[Check]:
    addresses = {name: address() for name, address in reachability.REGISTRIES.items()}
    asked = {name: address for name, address in addresses.items() if address}
    with ThreadPoolExecutor() as pool:
        faults = dict(zip(asked, pool.map(reachability.fault, asked.values()), strict=True))
    for name, address in asked.items():
        yield Check(
            f"registry of {name}",
            f"{reachability.host(address)}: {faults[name] or 'answers'}",
            "an answer",
            not faults[name],
            "check network, proxy and index settings: GOPROXY, PIP_INDEX_URL, apt's sources",
        )


def checks(paths: Paths | None = None, ui_port: int | None = None) -> list[Check]:
    """Look at everything; nothing is touched.

    Args:
        paths: The instance; this checkout's own when not given.
        ui_port: The port that the UI is to be had on; not looked at when not given.
    """
    instance = paths or Paths.for_instance()
    found = list(_system())
    if platform.system() != "Linux":
        return found
    missing = tools.ToolCache(instance.cache).missing(TOOLS.keys() - TEST_TOOLS)
    found += _kernel()
    found += _resources(instance, builds=bool(missing))
    found += _programs(instance, missing)
    if missing or packages.missing(packages.NODE_PACKAGES):
        found += _registries()
    if ui_port is not None:
        found.append(_port(instance, ui_port))
    return found


def _port(paths: Paths, port: int) -> Check:
    from infra.local.cluster import Cluster, refuse_taken  # noqa: PLC0415 - only where asked

    try:
        if Cluster(paths).ui_port != port:
            refuse_taken(port)
    except UpdraftError as error:
        return Check("port", str(error.what), f"127.0.0.1:{port} free", ok=False, fix=error.fix)
    return Check("port", f"127.0.0.1:{port}", "free, or ours", ok=True)
