"""The pinned programs that watch a platform, and Alertmanager, on this machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local import tools
from infra.local.paths import Paths
from infra.local.programs import TEST_TOOLS

ALERTMANAGER = "prometheus-alertmanager"


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Path]:
    """Give a pinned program by its name; it is built where it is not there yet."""

    def find(name: str) -> Path:
        # The tests' own are built together: what they share is compiled once.
        return tools.ensure({name, *TEST_TOOLS} if name in TEST_TOOLS else {name}, print)[name]

    return find


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give Debian's Alertmanager, unpacked into the cache and not installed."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("Alertmanager comes from Debian, and there is no apt: nothing was sent to it")
    folder = Paths.for_instance().cache / "tests" / ALERTMANAGER
    program = folder / "usr" / "bin" / ALERTMANAGER
    if program.exists():
        return program
    work = tmp_path_factory.mktemp(ALERTMANAGER)
    got = subprocess.run(
        ["apt-get", "download", ALERTMANAGER],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    packages = list(work.glob("*.deb"))
    if got.returncode or not packages:
        pytest.skip(f"apt could not download {ALERTMANAGER}: {got.stderr.strip()[-300:]}")
    subprocess.run(["dpkg-deb", "-x", packages[0], work / "root"], check=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(work / "root", folder)
    return program
