"""What a push makes of a folder of DAGs and of what others pushed: a merge, file by file.

A file is taken whole from one side: with lines of both it would be a DAG that nobody wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

# A file's mode and content, as git names them, by its path.
Files = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to.

    Args:
        files: What the remote is to hold.
        clashes: The paths of which each side has a version of its own; there are no files then.
    """

    files: dict[str, str]
    clashes: tuple[str, ...]


def parse(listing: str) -> dict[str, str]:
    """Return the files of a tree, as `git ls-tree -rz` lists them."""
    rows = [row.partition("\t") for row in listing.split("\0") if row]
    return {path: f"{about.split()[0]} {about.split()[2]}" for about, _, path in rows}


def index_info(files: Files) -> str:
    """Return the files as `git update-index -z --index-info` reads them."""
    return "".join(f"{about}\t{path}\0" for path, about in sorted(files.items()))


def merge(base: Files, ours: Files, theirs: Files) -> Merged:
    """Return what the remote is to hold: of each file the side that changed it, or none.

    A file that one side removed goes, unless the other one changed it, which is a clash; so is one
    that both changed or made, but not to the same. With an empty base each side made all it has.

    Args:
        base: What was pushed from here last.
        ours: The folder.
        theirs: The remote.
    """
    files: dict[str, str] = {}
    clashes: list[str] = []
    for path in sorted(base.keys() | ours.keys() | theirs.keys()):
        before, mine, other = base.get(path), ours.get(path), theirs.get(path)
        if mine not in (before, other) and other != before:
            clashes.append(path)
        elif (taken := other if mine == before else mine) is not None:
            files[path] = taken
    clashes = clashes or _files_below_files(files)
    return Merged({} if clashes else files, tuple(clashes))


def base_that_only_adds(base: Files, ours: Files, theirs: Files) -> dict[str, str]:
    """Return a base by which a merge takes of ours what is new alone, and else what they have.

    Args:
        base: What may have been pushed from here last.
        ours: The folder.
        theirs: The remote.
    """
    return {path: mine for path, mine in ours.items() if path in base or path in theirs}


def at_odds(path: str, ours: Files, theirs: Files) -> str:
    """Return what is a file of one side and a folder of the other, of a path and those above it.

    Empty where nothing is.
    """
    mine, others = _folders(ours), _folders(theirs)
    for above in (path, *map(str, PurePosixPath(path).parents)):
        if (above in ours and above in others) or (above in theirs and above in mine):
            return above
    return ""


def _files_below_files(files: Files) -> list[str]:
    """The paths that are a file of one side and a folder of the other."""
    return sorted(_folders(files) & files.keys())


def _folders(files: Files) -> set[str]:
    return {str(folder) for path in files for folder in PurePosixPath(path).parents}
