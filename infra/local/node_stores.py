"""What a new node's containerd begins with: its images, unpacked once and shared by hard links.

To unpack the images takes most of a new node's start. What is unpacked is never written to again,
as each container writes to a layer of its own; so the nodes of a machine can share its files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from infra.local.images import OVERLAYFS, Archive, loading
from infra.local.lock import hold
from infra.local.shell import run
from infra.local.unpacker import serving
from infra.output import Print

# The newest are kept: of before and after a change, and one of another checkout.
KEPT = 3
_BLOBS, _LAYERS = "io.containerd.content.v1.content", f"io.containerd.snapshotter.v1.{OVERLAYFS}"
# Of containerd's root: what is written once, under a name of its own, and what is written to.
# It makes the rest anew.
_SHARED = (f"{_BLOBS}/blobs", f"{_LAYERS}/snapshots")
_OWN = ("io.containerd.metadata.v1.bolt/meta.db", f"{_LAYERS}/metadata.db")
_ROOT, _REFERENCES = "root", "references"
_PARTIAL = ".partial"


def folder(cache: Path) -> Path:
    """Where the stores are."""
    return cache / "node-stores"


def held(cache: Path, output: Print) -> AbstractContextManager[None]:
    """Hold the lock of the stores in a cache: one unpacks at a time.

    Args:
        cache: Updraft's cache.
        output: Told when another has to be waited for.
    """
    return hold(folder(cache) / "lock", "unpacking of images", output, mode=0o700)


class NodeStores:
    """The stores that the cache keeps, one for each set of images.

    Args:
        cache: Updraft's cache.
        run: A folder for what lives no longer than a command.
        built: The programs; of them containerd and ctr.
        snapshotter: The way of the node to stack layers.
        output: Told what is unpacked.
    """

    def __init__(
        self, cache: Path, run: Path, built: Mapping[str, Path], snapshotter: str, output: Print
    ) -> None:
        self._cache = cache
        self._folder = folder(cache)
        self._run = run
        self._built = built
        self._snapshotter = snapshotter
        self._output = output

    def give(self, root: Path, archives: Sequence[Archive]) -> None:
        """Let a node begin with the images; one that has a store already keeps it as it is.

        Does nothing where files can't be shared: the node is then to import the images itself.

        Args:
            root: The node's containerd's root.
            archives: Archive and reference of each image.

        Raises:
            UpdraftError: An archive is damaged, the disk is full, or containerd does not start.
        """
        if root.exists() or self._snapshotter != OVERLAYFS:
            return
        with held(self._cache, self._output):
            self._clear()
            if not self._can_link_to(root.parent):
                return
            wanted = {reference for _, reference in archives}
            kept = self._folder / self._name(wanted)
            if not kept.exists():
                self._make(kept, archives, wanted)
            partial = root.with_name(root.name + _PARTIAL)
            _remove(partial)
            _share(kept / _ROOT, partial)
            os.utime(kept)
            self._drop_old()
        partial.rename(root)

    def _can_link_to(self, place: Path) -> bool:
        """Try it: of two mounts of one file system nothing else tells."""
        here, there = self._folder / "trial", place / "link-trial"
        here.touch()
        try:
            there.unlink(missing_ok=True)
            there.hardlink_to(here)
        except OSError:
            return False
        finally:
            there.unlink(missing_ok=True)
        return True

    def _version(self) -> str:
        return self._built["containerd"].parent.name

    def _name(self, references: set[str]) -> str:
        digest = hashlib.sha256("\n".join(sorted(references)).encode()).hexdigest()
        return f"{self._version()}-{digest[:12]}"

    def _stores(self) -> list[Path]:
        """All of them, the newest first."""
        found = (entry for entry in self._folder.iterdir() if (entry / _REFERENCES).is_file())
        return sorted(found, key=lambda store: store.stat().st_mtime, reverse=True)

    def _clear(self) -> None:
        for partial in self._folder.glob(f"*{_PARTIAL}"):
            _remove(partial)

    def _drop_old(self) -> None:
        for store in self._stores()[KEPT:]:
            _remove(store)

    def _nearest(self, references: set[str]) -> Path | None:
        """The store of this containerd that holds most of the images."""
        mine = [store for store in self._stores() if store.name.startswith(f"{self._version()}-")]
        shared = {store: len(references & _references(store)) for store in mine}
        return max((store for store in mine if shared[store]), key=shared.__getitem__, default=None)

    def _make(self, kept: Path, archives: Sequence[Archive], wanted: set[str]) -> None:
        """Unpack what the nearest store lacks, and take out of it what is not asked for."""
        partial = kept.with_name(kept.name + _PARTIAL)
        partial.mkdir()
        nearest = self._nearest(wanted)
        if nearest:
            _share(nearest / _ROOT, partial / _ROOT)
        with serving(partial / _ROOT, self._run, self._built, self._snapshotter) as store:
            with loading(store, archives, lambda reference: self._output(f"{reference} unpacked")):
                pass
            store.remove(store.references() - wanted, collect=True)
        (partial / _REFERENCES).write_text("\n".join(sorted(wanted)))
        # containerd writes layers without a sync: after a crash they would be empty files.
        run("sync", "--file-system", partial)
        partial.rename(kept)


def _references(store: Path) -> set[str]:
    return set((store / _REFERENCES).read_text().split())


def _remove(store: Path) -> None:
    if store.exists():
        shutil.rmtree(store)


def _share(source: Path, target: Path) -> None:
    """Make another store of the same files, with databases of its own."""
    target.mkdir(mode=0o700)
    for name in _SHARED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        # An opaque folder is so by an attribute: without it deleted files would be back.
        copy = ("cp", "--archive", "--preserve=xattr", "--link", "--no-target-directory")
        run(*copy, source / name, target / name, fix="free space on the disk, then run it again")
    for name in _OWN:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)
        with (target / name).open("rb") as database:
            os.fsync(database.fileno())
