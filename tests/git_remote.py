"""A real repository, and git-sync's script, which checks it out."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.root import ROOT

SCRIPT = ROOT / "images/git-sync/git-sync"


@dataclass
class Remote:
    """A repository that is pushed to, and where it is checked out."""

    path: Path
    root: Path

    @classmethod
    def make(cls, folder: Path) -> Remote:
        """Make the repository, with one commit."""
        made = cls(folder / "remote", folder / "root")
        made.path.mkdir()
        made.git("init", "-q", "-b", "main")
        made.git("config", "uploadpack.allowAnySHA1InWant", "true")
        made.commit("one")
        return made

    def git(self, *arguments: str) -> str:
        """Run git there."""
        who = ("-c", "user.name=a", "-c", "user.email=a@localhost")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, text: str, name: str = "dag.py") -> str:
        """Commit a file with the text; return the commit."""
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", f"Change {name}")
        return self.git("rev-parse", "HEAD")

    def sync(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run git-sync once."""
        environment = {
            "PATH": os.environ["PATH"],
            "GITSYNC_REPO": self.path.as_uri(),
            "GITSYNC_REF": "main",
            "GITSYNC_ROOT": str(self.root),
            "GITSYNC_LINK": "repo",
            "GITSYNC_ONE_TIME": "true",
            "GITSYNC_PERIOD": "10ms",
            **variables,
        }
        return subprocess.run(
            [SCRIPT], env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def checked_out(self) -> str:
        """What the file says behind the link."""
        return (self.root / "repo" / "dag.py").read_text()

    @property
    def worktrees(self) -> set[str]:
        """The commits that are checked out."""
        return {path.name for path in (self.root / ".worktrees").iterdir()}
