"""The way out where both sides have changed the same DAGs: what to do, and by which command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from infra.cli.dag_files import told
from infra.cli.dag_merge import Files, at_odds
from infra.cli.dag_repository import Repository
from infra.errors import UpdraftError
from infra.output import printable


@dataclass(frozen=True, slots=True)
class Clash:
    """Files of which the folder and the remote have a version of their own.

    Args:
        paths: Theirs in the repository.
        folder: The folder of DAGs.
        ours: Its files.
        theirs: The remote's.
        commit: The remote's, as the repository here knows it.
    """

    paths: Sequence[str]
    folder: Path
    ours: Files
    theirs: Files
    commit: str

    def error(self, git: Repository) -> UpdraftError:
        """What a push is refused with."""
        return UpdraftError(
            f"others changed the same DAGs: {told(self.paths)}",
            where=f"{git.remote.url}, branch {git.remote.branch}",
            fix=f"{self._way(git)}; or, to drop all that others pushed: make push-dags MIRROR=1",
        )

    def _way(self, git: Repository) -> str:
        """How to go on from their version of the first path."""
        first = self.paths[0]
        odd = at_odds(first, self.ours, self.theirs)
        if odd:
            return self._aside(git, odd)
        if first in self.theirs:
            way = f"put their version into the folder ({printable(self._take(git, first))})"
        else:
            way = f"take {printable(first)} out of the folder, as they have"
        return f"{way}, push, then change it and push again"

    def _aside(self, git: Repository, path: str) -> str:
        """How to go on where it can't be both a file and a folder."""
        kinds = ("file", "folder") if path in self.theirs else ("folder", "file")
        both = f"{printable(path)} is a {kinds[0]} of theirs and a {kinds[1]} here"
        sub_path = PurePosixPath(git.remote.sub_path)
        if sub_path.is_relative_to(path):
            return f"{both}, that of the DAGs: remove theirs by git (docs/howto/push-by-git.md)"
        mine = self.folder / PurePosixPath(path).relative_to(sub_path)
        move = shlex.join(["mv", "-T", "--", str(mine), str(_unused(mine))])
        ways = f"{move} && {self._take(git, path)}"
        return f"{both}: rename yours and take theirs ({printable(ways)}), then push"

    def _take(self, git: Repository, path: str) -> str:
        """The command that puts their version into the folder: with its mode, as a link if so."""
        sub_path = git.remote.sub_path
        tree, inside = f"{self.commit}:{sub_path}", path.removeprefix(f"{sub_path}/")
        words = ["git", f"--git-dir={git.git_dir}", "archive", tree.rstrip(":"), inside]
        return f"{shlex.join(words)} | {shlex.join(['tar', '-xC', str(self.folder)])}"


def _unused(path: Path) -> Path:
    """A name beside a file or folder that nothing has yet."""
    names = (path.with_name(f"{path.stem}_ours{n or ''}{path.suffix}") for n in count())
    return next(name for name in names if not (name.exists() or name.is_symlink()))
