"""Stand-ins of ours for Go packages that a program names and our use of it never runs.

tools/<folder>/without/ holds them by import path. Go's -overlay puts them into their modules, but
refuses to touch its module cache: so each module is laid out anew beside them, by names alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from infra.errors import UpdraftError
from infra.local.programs import Tool
from infra.local.shell import run

FOLDER: Final = "without"


@dataclass(frozen=True, slots=True)
class Module:
    """A module of which packages are left out.

    Args:
        path: What the program's go.mod calls it.
        source: The path and version of what is taken for it: itself, or what replaces it.
        folder: Where that lies in Go's module cache.
    """

    path: str
    source: str
    folder: Path

    @property
    def place(self) -> str:
        """Where Go is told that it lies, seen from go.mod; the program says so."""
        return f"./{FOLDER}/{self.source}"


def hint(tool: Tool) -> str:
    """What to do besides where a program with stand-ins could not be built."""
    if not tool.without:
        return ""
    return f"; add what is undefined to the stand-ins of tools/{tool.folder}/{FOLDER}"


def named(place: str, version: str) -> tuple[str, str]:
    """The path and version of a module, which Go tells by its place alone where it was laid out."""
    source = place.removeprefix(f"./{FOLDER}/")
    if source == place:
        return place, version
    path, _, version = source.rpartition("@")
    return path, version


def real(path: Path, folder: Path, found: list[Module]) -> Path:
    """Where a folder of a module is that was laid out in a program's folder."""
    for module in found:
        place = folder / module.place
        if path.is_relative_to(place):
            return module.folder / path.relative_to(place)
    return path


def files(folder: Path) -> dict[str, list[Path]]:
    """The files that stand in for a package, by the package's import path."""
    root = folder / FOLDER
    found: dict[str, list[Path]] = {}
    for file in sorted(root.rglob("*.go")):
        found.setdefault(str(file.parent.relative_to(root)), []).append(file)
    return found


def modules(tool: Tool, folder: Path, go: Path, environment: Mapping[str, str]) -> list[Module]:
    """The modules that a program leaves packages of out, fetched if need be.

    Raises:
        UpdraftError: Go's module proxy can't be reached.
    """
    if not tool.without:
        return []
    fix = "check that Go's module proxy (GOPROXY) can be reached"
    run(go, "mod", "download", *tool.without, env=environment, cwd=folder, fix=fix)
    told = run(go, "list", "-m", "-json", *tool.without, env=environment, cwd=folder, fix=fix)
    found = []
    for entry in json.loads("[" + told.replace("\n}\n{", "\n},\n{") + "]"):
        source = entry.get("Replace", entry)
        name = f"{source['Path']}@{source['Version']}"
        found.append(Module(entry["Path"], name, Path(entry["Dir"])))
    return found


def replacements(folder: Path, found: list[Module]) -> dict[Path, Path]:
    """Where Go is to look for each file of the modules: upstream's, or ours in a package's stead.

    Raises:
        UpdraftError: A stand-in's package is in none of the modules, or no longer is.
    """
    standing = files(folder)
    placed: dict[Path, Path] = {}
    for module in found:
        place = folder / module.place
        own = {name for name in standing if f"{name}/".startswith(f"{module.path}/")}
        left_out = {
            module.folder / name[len(module.path) + 1 :]: standing.pop(name) for name in own
        }
        for gone in (each for each in left_out if not any(each.glob("*.go"))):
            raise UpdraftError(
                f"{module.source} has no package {gone.relative_to(module.folder)}",
                where=str(left_out[gone][0]),
                fix="delete the stand-in, or move it to where the package is now",
            )
        for file in module.folder.rglob("*"):
            if file.parent in left_out and file.name != "go.mod":
                continue
            name = file.relative_to(module.folder)
            if file.is_file() and not _is_test(name):
                placed[place / name] = file
        for package, ours in left_out.items():
            for file in ours:
                placed[place / package.relative_to(module.folder) / file.name] = file
    for unplaced, ours in standing.items():
        raise UpdraftError(
            f"no module that is built without a package has {unplaced}",
            where=str(ours[0]),
            fix="name its module in `without`, in infra/local/programs.py",
        )
    return placed


def _is_test(file: Path) -> bool:
    return file.name.endswith("_test.go") or "testdata" in file.parts


@contextmanager
def overlay(
    tool: Tool, folder: Path, go: Path, environment: Mapping[str, str]
) -> Iterator[tuple[list[Module], list[str]]]:
    """The modules that a program leaves packages of out, and what tells Go to take the stand-ins.

    Args:
        tool: The program.
        folder: Its folder in tools/.
        go: Go itself, which is told so within the block alone.
        environment: Its variables.

    Raises:
        UpdraftError: As `modules` and `replacements` do.
    """
    found = modules(tool, folder, go, environment)
    with TemporaryDirectory(prefix="updraft-go-") as scratch:
        yield found, _flags(folder, found, go, environment, Path(scratch))


def _flags(
    folder: Path, found: list[Module], go: Path, environment: Mapping[str, str], scratch: Path
) -> list[str]:
    if not found:
        return []
    placed = replacements(folder, found)
    shutil.copyfile(folder / "go.mod", scratch / "go.mod")
    moved = [f"-replace={module.path}={module.place}" for module in found]
    run(go, "mod", "edit", *moved, scratch / "go.mod", env=environment, cwd=folder)
    placed[folder / "go.mod"] = scratch / "go.mod"
    told = {"Replace": {str(name): str(file) for name, file in placed.items()}}
    (scratch / "overlay.json").write_text(json.dumps(told))
    return ["-overlay", str(scratch / "overlay.json")]
