"""Images of one program each, which takes nothing but the program to build: what watches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.images.build import KEPT, BuiltImage
from infra.local import images
from infra.local.programs import MONITORING_TOOLS

NAMES = tuple(MONITORING_TOOLS)


def build(names: Iterable[str], programs: Mapping[str, Path], cache: Path) -> dict[str, BuiltImage]:
    """Put programs into images; an unchanged program makes nothing.

    Args:
        names: Some of NAMES.
        programs: The built programs, by their own names.
        cache: Updraft's cache; archives go into a folder of it.
    """
    folder = cache / "images" / "programs"
    return {name: _build(name, programs[MONITORING_TOOLS[name]], folder) for name in names}


def _build(name: str, program: Path, folder: Path) -> BuiltImage:
    archive, reference = images.static_archive(name, program, images.NOBODY, folder)
    others = [each for each in folder.glob(f"{name}-????????????.*") if each != archive]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[KEPT - 1 :]:
        old.unlink()
    return BuiltImage(reference, archive)
