"""Pushes of a folder of DAGs to a bare repository, and what others push there."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.cli.dag_repository import Remote
from infra.cli.dags import DagPusher


def git(*args: str, cwd: Path) -> str:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    done = subprocess.run(["git", *who, *args], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def pusher(folder: Path, bare: Path, state: Path, sub_path: str = "dags") -> DagPusher:
    return DagPusher(folder, state, Remote(str(bare), "main", "dags", "secret", sub_path))


def files(bare: Path) -> dict[str, str]:
    names = git("ls-tree", "-r", "--name-only", "main", cwd=bare).splitlines()
    return {name: git("show", f"main:{name}", cwd=bare) for name in names}


def push_as_somebody(bare: Path, tmp_path: Path, name: str, text: str) -> None:
    clone = tmp_path / f"clone-{name.replace('/', '-')}"
    git("clone", "-q", str(bare), str(clone), cwd=tmp_path)
    (clone / name).parent.mkdir(exist_ok=True)
    (clone / name).write_text(text)
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "Add mine", cwd=clone)
    git("push", "-q", "origin", "HEAD:main", cwd=clone)
