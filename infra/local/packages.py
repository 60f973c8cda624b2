"""Debian's packages that the embedded cluster needs: which are missing, and their installation."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from infra.errors import UpdraftError
from infra.local.shell import run
from infra.output import Print

# What shows that a package is there, by whatever way it came: a program on PATH or a file.
NODE_PACKAGES = {
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/ptp",
    "nftables": "nft",
    "conntrack": "conntrack",
    "socat": "socat",
    "iproute2": "ip",
    "util-linux": "nsenter",
    "mount": "mount",
}
SYSTEM_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _there(sign: str) -> bool:
    if sign.startswith("/"):
        return Path(sign).exists()
    return shutil.which(sign, path=SYSTEM_FOLDERS) is not None


def missing(needs: dict[str, str]) -> list[str]:
    """The packages whose sign is not found."""
    return [package for package, sign in needs.items() if not _there(sign)]


def installed_by_us(cache: Path) -> list[str]:
    """The packages that were installed for Updraft; they stay when it goes."""
    record = cache / "debian-packages"
    return sorted(set(record.read_text().split())) if record.exists() else []


def ensure(needs: dict[str, str], cache: Path, output: Print) -> None:
    """Install what is missing, by apt.

    Raises:
        UpdraftError: There is no apt, or it failed.
    """
    wanted = missing(needs)
    if not wanted:
        return
    if not shutil.which("apt-get"):
        raise UpdraftError(
            f"this machine lacks {', '.join(wanted)}, and has no apt to install it by",
            fix="install what Debian calls so by your distribution's own tool",
        )
    output(f"installing Debian packages: {' '.join(wanted)}")
    _install(wanted)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "debian-packages").open("a") as file:
        file.writelines(f"{package}\n" for package in wanted)
    still = missing({package: needs[package] for package in wanted})
    if still:
        raise UpdraftError(
            f"{', '.join(still)} was installed and is not where it was looked for",
            where=", ".join(needs[package] for package in still),
        )


def _install(wanted: Iterable[str]) -> None:
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ("apt-get", "-y", "-o", "DPkg::Lock::Timeout=300")
    fix = "see what apt says; `apt-get update` must work on this machine"
    install = (*apt, "install", "--no-install-recommends", *wanted)
    try:
        run(*install, env=environment, fix=fix)
    except UpdraftError:
        # The lists of packages are missing or older than the archive.
        run(*apt, "update", env=environment, fix=fix)
        run(*install, env=environment, fix=fix)
