"""The pinned programs that watch a platform, and Alertmanager, on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.lock import hold
from infra.local.paths import Paths
from tests.programs import programs

ALERTMANAGER = "prometheus-alertmanager"


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Path]:
    """Give a pinned program by its name; it is built where it is not there yet."""
    return lambda name: programs(name)[name]


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give Debian's Alertmanager, unpacked into the cache and not installed."""
    folder = Paths.for_instance().cache / "tests" / ALERTMANAGER
    work = tmp_path_factory.mktemp(ALERTMANAGER)
    with hold(folder.with_suffix(".lock"), "unpacking of Alertmanager", print):
        if not (folder / "usr").exists():
            _unpack(work, folder)
    # Its templates are at a path that it has compiled in: there it sees them, and it alone.
    program = work / "alertmanager"
    program.write_text(
        "#!/bin/sh\n"
        f"exec unshare {'--mount' if os.geteuid() == 0 else '--mount --map-root-user'} sh -c "
        f"'mount -t overlay overlay -o lowerdir={folder}/usr/share:/usr/share /usr/share && "
        f'exec {folder}/usr/bin/{ALERTMANAGER} "$@"\' alertmanager "$@"\n'
    )
    program.chmod(0o755)
    tried = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"Alertmanager does not start here: {tried.stderr.strip()[-300:]}")
    return program


def _unpack(work: Path, folder: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("Alertmanager comes from Debian, and there is no apt: nothing was sent to it")
    command = ["apt-get", "download", ALERTMANAGER]
    got = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if got.returncode:
        pytest.skip(f"apt could not download {ALERTMANAGER}: {got.stderr.strip()[-300:]}")
    (package,) = work.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, work / "root"], check=True)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(work / "root", folder)
