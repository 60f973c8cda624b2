"""The Go modules that the images' programs are linked from, and what their licence files say."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Final

from infra.errors import UpdraftError
from infra.licences import texts
from infra.licences.allowed import DECIDED
from infra.licences.package import UNKNOWN, Package, conjunction
from infra.local import standins, tools
from infra.local.paths import Paths
from infra.local.programs import MONITORING_TOOLS, NODE_IMAGES, TOOLS
from infra.root import ROOT

KIND: Final = "go"
# Of a module of which a program takes in nothing but what stands in for it.
STAND_IN: Final = "stand-in"
KINDS: Final = frozenset({KIND, STAND_IN})
# Image -> the program that it is made of.
PROGRAMS: Final = {**{name: name for name in NODE_IMAGES}, **MONITORING_TOOLS}
_FORMAT: Final = (
    "{{with .Module}}{{if not .Main}}{{with .Replace}}{{.Path}}\t{{.Version}}{{else}}"
    "{{.Path}}\t{{.Version}}{{end}}\t{{.Dir}}\t{{$.Dir}}\t{{$.ImportPath}}{{end}}{{end}}"
)

Module = tuple[str, str]
_Key = tuple[str, str, str]
# Go's own library and runtime are in each program; which Go, the machine decides.
STANDARD_LIBRARY: Final[Module] = ("std", "-")


def inputs(image: str) -> str:
    """A digest of what decides which modules are linked into an image's program."""
    tool = TOOLS[PROGRAMS[image]]
    digest = hashlib.sha256(f"{tool.package} {','.join(tool.tags)}\n".encode())
    digest.update("".join(f"without {module}\n" for module in tool.without).encode())
    for file in sorted((tools.SOURCES / tool.folder).rglob("*")):
        if file.suffix in {".go", ".mod", ".sum"}:
            digest.update(f"{file.relative_to(tools.SOURCES)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def linked(program: Path, go: Path) -> set[Module]:
    """The modules that a built program says it was linked from, with their versions."""
    command = [str(go), "version", "-m", str(program)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: list[Module] = []
    for line in told.splitlines():
        match line.split():
            # What is built from a module of ours has no version, and is no package.
            case ["dep" | "mod", path, version, *_] if version != "(devel)":
                found.append((path, version))
            case ["=>", path, version, *_]:
                found[-1] = standins.named(path, version)
    return set(found)


def read() -> list[Package]:
    """Every module that the programs are linked from, with its licence.

    Raises:
        UpdraftError: There is no Go, or its module proxy can't be reached.
    """
    store = tools.ToolCache(Paths.for_instance().cache)
    go = store.go(print)
    images: defaultdict[_Key, set[str]] = defaultdict(set)
    files: defaultdict[_Key, set[Path]] = defaultdict(set)
    for image in PROGRAMS:
        sources = _sources(image, go, store.environment())
        theirs = {module for module, ours, _ in sources if not ours}
        for module, _, found in sources:
            key = (KIND if module in theirs else STAND_IN, *module)
            images[key].add(image)
            files[key] |= found
    library = (KIND, *STANDARD_LIBRARY)
    images[library] = set(PROGRAMS)
    files[library] = {_goroot(go) / "LICENSE"}
    return [
        Package(*key, _licence(key, files[key]), tuple(sorted(images[key])))
        for key in sorted(images)
    ]


def _sources(
    image: str, go: Path, environment: dict[str, str]
) -> list[tuple[Module, bool, set[Path]]]:
    """What an image's program is linked from, package by package.

    Returns:
        The package's module, whether the package is ours, and its files of licences.
    """
    tool = TOOLS[PROGRAMS[image]]
    folder = tools.SOURCES / tool.folder
    tags = ["-tags", ",".join(tool.tags)] if tool.tags else []
    with standins.overlay(tool, folder, go, environment) as (laid_out, without):
        done = subprocess.run(
            [str(go), "list", "-deps", *tags, *without, "-f", _FORMAT, tool.package],
            cwd=folder, env={**os.environ, **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise UpdraftError(
            f"Go can't list what {tool.name} is made of: {done.stderr.strip()[-600:]}",
            where=f"tools/{tool.folder}",
            fix="check that Go's module proxy (GOPROXY) can be reached",
        )
    rows = [line.split("\t") for line in done.stdout.splitlines() if line]

    def real(path: str) -> Path:
        return standins.real(Path(path), folder, laid_out)

    ours = standins.files(folder)
    found = []
    for path, version, root, own, package in rows:
        licences = {ROOT / "LICENSE"} if package in ours else _licences(real(root), real(own))
        found.append((standins.named(path, version), package in ours, licences))
    return found


def _licences(root: Path, folder: Path) -> set[Path]:
    """The files of licences from a package's folder up to its module's."""
    folders = [folder, *(each for each in folder.parents if each.is_relative_to(root))]
    return {
        file
        for each in folders
        for file in each.iterdir()
        if file.is_file() and texts.is_licence(file)
    }


def _goroot(go: Path) -> Path:
    command = [str(go), "env", "GOROOT"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout
    return Path(told.strip())


def _licence(key: _Key, files: set[Path]) -> str:
    if decided := DECIDED.get(key):
        return decided[0]
    found = [texts.licences(file.read_text(errors="replace")) for file in files]
    # A text that is none of the known ones may hold conditions of its own.
    return conjunction(set().union(*found)) if all(found) else UNKNOWN
