"""What goes into each image, and its hash."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from infra.errors import UpdraftError
from infra.root import ROOT, TERMS

# Besides its own folder below images/, what an image takes from the repository.
_TAKES: dict[str, tuple[str, ...]] = {
    "airflow": (
        *("requirements/uv.txt", "requirements/airflow.txt"),
        *("requirements/npm.txt", "requirements/page", "operators", "docs/runbooks"),
    ),
    "postgres": (),
    "git-sync": (),
    "git-server": (),
    "alertmanager": (),
}
NAMES = tuple(_TAKES)
# `vendor`: the checkout's own copy of the Platform page's chart library.
_LEFT_OUT = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "vendor", "node_modules")


def containerfile(name: str) -> str:
    """The path of an image's Containerfile within the repository."""
    return f"images/{name}/Containerfile"


def content_hash(name: str, base: str, root: Path = ROOT) -> str:
    """The hash of all that an image is made of: 64 hexadecimal digits.

    Args:
        name: One of NAMES.
        base: What identifies the base image, such as its digest.
        root: The repository.

    Raises:
        UpdraftError: There is no such image.
    """
    digest = hashlib.sha256(f"{name}\0{base}\0".encode())
    for path in _files(name, root):
        executable = "x" if path.stat().st_mode & 0o100 else "-"
        digest.update(f"{path.relative_to(root)}\0{executable}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def stage(name: str, folder: Path, root: Path = ROOT) -> None:
    """Copy what goes into an image, and nothing else, to a folder that is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in _files(name, root):
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _files(name: str, root: Path) -> list[Path]:
    if name not in _TAKES:
        raise UpdraftError(
            f'there is no image "{name}"', where=str(root / "images"), fix=f"use {', '.join(NAMES)}"
        )
    found: list[Path] = []
    for taken in (f"images/{name}", *TERMS, *_TAKES[name]):
        path = root / taken
        if not path.exists():
            raise UpdraftError(
                f"{taken} is missing", where=str(root), fix="check out the repository again"
            )
        below = [path] if path.is_file() else path.rglob("*")
        found += [each for each in below if _goes_in(each, root)]
    return sorted(found)


def _goes_in(path: Path, root: Path) -> bool:
    parts = {*path.relative_to(root).parts}
    return path.is_file() and parts.isdisjoint(_LEFT_OUT) and not path.match("*.egg-info/*")
