"""The files of a folder of DAGs: what may be pushed of them, and how their names are told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from infra.errors import UpdraftError
from infra.output import printable

# Bytes of one file: a git server packs a file in memory, and every task's pod fetches it.
LARGEST = 20 << 20
# What git calls the kind of an entry.
SUBMODULE, LINK = "160000", "120000"


def told(paths: Iterable[str]) -> str:
    """Some files' names in a line."""
    return ", ".join(printable(path) for path in paths)


def refuse_unfit(folder: Path, listing: str) -> None:
    """Refuse what a git server or Airflow's DAG processor would not survive.

    Args:
        folder: The folder of DAGs.
        listing: Its files, as `git ls-tree -rlz` tells them.

    Raises:
        UpdraftError: There is such a file.
    """
    rows = [row.partition("\t") for row in listing.split("\0") if row]
    entries = [(*row.split(), path) for row, _, path in rows]
    nested = [path for mode, _, _, _, path in entries if mode == SUBMODULE]
    if nested:
        raise UpdraftError(
            f"git repositories of their own: {told(nested)}",
            where=str(folder),
            fix="git would push an empty link for each; move it out, or delete its .git",
        )
    links = [path for mode, _, _, _, path in entries if mode == LINK]
    twice = [path for path in links if _is_walked_twice(folder, path)]
    if twice:
        raise UpdraftError(
            f"links to folders that are among the DAGs already: {told(twice)}",
            where=str(folder),
            fix="at a folder that it meets twice the DAG processor ends, and no DAG is parsed any "
            "more; remove the link",
        )
    large = [path for _, _, _, size, path in entries if size.isdigit() and int(size) > LARGEST]
    if large:
        raise UpdraftError(
            f"files of more than {LARGEST >> 20} MiB: {told(large)}",
            where=str(folder),
            fix="DAGs are text, and every task's pod fetches them; put data into a bucket, "
            "a database or the image",
        )


def _is_walked_twice(folder: Path, link: str) -> bool:
    """Whether a link leads to a folder within its own (apache/airflow#40980)."""
    # Of a link to itself this is a path, where Path.resolve raises.
    target = Path(os.path.realpath(folder / link))
    return target.is_dir() and target.is_relative_to(folder.resolve())
