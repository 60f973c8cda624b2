"""What a new node's containerd begins with: its images, unpacked once and shared by hard links.

To unpack the images takes most of a new node's start. What is unpacked is never written to again,
as each container writes to a layer of its own; so the nodes of a machine can share its files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.errors import UpdraftError
from infra.local.images import Archive, Store, load_all
from infra.local.lock import hold
from infra.local.paths import make_folder
from infra.local.shell import awaited, end, last_lines, run
from infra.output import Print

# The newest are kept: of before and after a change, and one of another checkout.
KEPT = 3
PATIENCE = 60.0
POLL = 0.1
# Files that containerd writes to; all others are written once, under a name of their own.
_DATABASES = "*.db"
_PARTIAL = ".partial"
# The only snapshotter whose layers are not copied for each container.
_SHARING = "overlayfs"


class NodeStores:
    """The stores that the cache keeps, one for each set of images.

    Args:
        folder: Where they are.
        built: The programs; of them containerd and ctr.
        snapshotter: The way of the node to stack layers.
        output: Told what is unpacked.
    """

    def __init__(
        self, folder: Path, built: Mapping[str, Path], snapshotter: str, output: Print
    ) -> None:
        self._folder = folder
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
            UpdraftError: An archive is damaged, or containerd does not start.
        """
        if root.exists() or not self._can_share(root):
            return
        with hold(self._folder / "lock", "unpacking of images", self._output):
            self._clear()
            kept = self._folder / self._name({reference for _, reference in archives})
            if not kept.exists():
                self._make(kept, archives)
            os.utime(kept)
            self._drop_old()
            partial = root.with_name(root.name + _PARTIAL)
            shutil.rmtree(partial, ignore_errors=True)
            _link(kept, partial)
        partial.rename(root)

    def _can_share(self, root: Path) -> bool:
        make_folder(self._folder, 0o700)  # images hold programs that run as root for anybody
        there = self._folder.stat().st_dev == root.parent.stat().st_dev
        return there and self._snapshotter == _SHARING

    def _name(self, references: Collection[str]) -> str:
        digest = hashlib.sha256("\n".join(sorted(references)).encode()).hexdigest()
        return f"{self._built['containerd'].parent.name}-{digest[:12]}"

    def _stores(self) -> list[Path]:
        """Those of this version of containerd, the newest first."""
        found = self._folder.glob(f"{self._built['containerd'].parent.name}-*")
        return sorted(found, key=lambda store: store.stat().st_mtime, reverse=True)

    def _clear(self) -> None:
        for partial in self._folder.glob(f"*{_PARTIAL}"):
            shutil.rmtree(partial)

    def _drop_old(self) -> None:
        newest = self._stores()[:KEPT]
        for entry in self._folder.iterdir():
            if entry.is_dir() and entry not in newest:
                shutil.rmtree(entry)

    def _make(self, kept: Path, archives: Sequence[Archive]) -> None:
        """Unpack what the newest store lacks, and take out of it what is not asked for."""
        partial = kept.with_name(kept.name + _PARTIAL)
        for newest in self._stores()[:1]:
            _link(newest, partial)
        with serving(partial, self._built, self._snapshotter) as store:
            load_all(store, archives, lambda ref: self._output(f"{ref} unpacked"))
            store.remove(store.references() - {reference for _, reference in archives})
        partial.rename(kept)


@contextmanager
def serving(root: Path, built: Mapping[str, Path], snapshotter: str) -> Iterator[Store]:
    """A containerd of our own on a store, whose mounts nobody else sees; it ends with the block.

    Args:
        root: Where the store is, or is to be.
        built: The programs; of them containerd and ctr.
        snapshotter: Where layers are unpacked to.

    Raises:
        UpdraftError: It does not start; with the last that it said.
    """
    with tempfile.TemporaryDirectory(prefix="updraft-") as name:
        state = Path(name)
        socket, config, log = (state / one for one in ("socket", "config.toml", "log"))
        config.write_text(_config(root, state / "state", socket))
        store = Store(built["ctr"], socket, snapshotter)
        with log.open("w") as file:
            process = subprocess.Popen(
                [
                    # Whatever ends this process ends it too.
                    *("setpriv", "--pdeathsig", "KILL"),
                    *("unshare", "--mount", "--propagation", "private", "--"),
                    *(str(built["containerd"]), f"--config={config}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        with awaited(process):
            _wait(store, process, log)
            yield store
        end(process)


def _wait(store: Store, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not store.answers():
        if process.poll() is not None or time.monotonic() > until:
            raise UpdraftError(
                f"containerd, which unpacks the images, does not start:\n"
                f"{last_lines(log.read_text(errors='replace'))}",
                fix="mend what it says, then run it again",
            )
        time.sleep(POLL)


def _link(source: Path, target: Path) -> None:
    """Make another store of the same files, with databases of its own."""
    run("cp", "--archive", "--link", source, target, fix="free space on the disk")
    for database in source.rglob(_DATABASES):
        own = target / database.relative_to(source)
        own.unlink()
        shutil.copy2(database, own)


def _config(root: Path, state: Path, socket: Path) -> str:
    return f"""\
version = 4
root = '{root}'
state = '{state}'
disabled_plugins = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.nri.v1.nri',
  'io.containerd.internal.v1.tracing',
]

[plugins.'io.containerd.server.v1.grpc']
address = '{socket}'
[plugins.'io.containerd.server.v1.ttrpc']
address = '{socket}.ttrpc'
"""
