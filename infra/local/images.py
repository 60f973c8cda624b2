"""Image archives made of one static program each, and what containerd holds."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from infra.errors import UpdraftError
from infra.local.shell import run
from infra.root import ROOT, TERMS

# The snapshotter that stacks a container's own layer on the image's, which it leaves as they are.
OVERLAYFS = "overlayfs"
# An image's archive, and its reference.
Archive = tuple[Path, str]

# Who runs a program whose pod does not say: nobody.
NOBODY = "65532:65532"
PINNED = "io.cri-containerd.pinned=pinned"
# Where each image has its terms.
_DOCUMENTS = "usr/share/doc/updraft"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """The machine's architecture, as Go and image indexes call it."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


def _add(archive: tarfile.TarFile, name: str, content: bytes | Path, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    if isinstance(content, Path):
        entry.size = content.stat().st_size
        with content.open("rb") as file:
            archive.addfile(entry, file)
    else:
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def static_reference(name: str, binary: Path) -> str:
    """The reference of a program's image: it names what the image holds."""
    digest = hashlib.sha256(_sha256(binary).encode())
    for term in TERMS:
        digest.update((ROOT / term).read_bytes())
    return f"localhost/updraft/{name}:{digest.hexdigest()[:12]}"


def static_archive(name: str, binary: Path, user: str, folder: Path) -> Archive:
    """An archive of an image that holds one static program, `/<name>`, and our terms.

    Args:
        name: The program's and the image's name.
        binary: The program.
        user: uid:gid that it runs as.
        folder: Where the archive goes.

    Returns:
        The archive and the image's reference.
    """
    reference = static_reference(name, binary)
    target = folder / f"{name}-{reference.rpartition(':')[2]}.tar"
    if target.exists():
        return target, reference
    folder.mkdir(parents=True, exist_ok=True)
    partial, layer = target.with_suffix(".partial"), target.with_suffix(".layer")
    # By way of a file: a program may be larger than what memory is free.
    with tarfile.open(layer, "w") as archive:
        _add(archive, name, binary, 0o755)
        for term in TERMS:
            _add(archive, f"{_DOCUMENTS}/{term}", ROOT / term)
    config = {
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": [f"/{name}"], "User": user},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(layer)}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]
    with tarfile.open(partial, "w") as archive:
        _add(archive, "layer.tar", layer)
        _add(archive, "config.json", json.dumps(config).encode())
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    layer.unlink()
    partial.replace(target)
    return target, reference


class Store:
    """The images that a containerd holds.

    Args:
        ctr: containerd's client.
        socket: containerd's socket.
        snapshotter: Where layers are unpacked to.
    """

    def __init__(self, ctr: Path, socket: Path, snapshotter: str) -> None:
        self._ctr = [str(ctr), "--address", str(socket), "--namespace", "k8s.io"]
        self._snapshotter = snapshotter

    def answers(self) -> bool:
        """Whether containerd answers: it then tells its version after the client's."""
        return run(*self._ctr, "version", check=False).count("Revision") > 1

    def references(self) -> set[str]:
        """The references of all images."""
        listed = run(*self._ctr, "images", "list", "--quiet").split()
        return {line for line in listed if not line.startswith("sha256:")}

    def load(self, archive: Path, reference: str) -> bool:
        """Import an archive of one image; returns False when the reference is there already.

        Raises:
            UpdraftError: The archive is none, or does not hold the reference.
        """
        before = self.references()
        if reference in before:
            return False
        if not archive.is_file():
            raise UpdraftError(f"no image archive {archive}", where=reference)
        fix = (
            "free what is full, where it names a disk or memory; if the archive is damaged: "
            f"rm {archive}, then make up builds it again"
        )
        load = ("images", "import", "--snapshotter", self._snapshotter, str(archive))
        run(*self._ctr, *load, fix=fix)
        after = self.references()
        if reference not in after:
            found = ", ".join(sorted(after - before)) or "no new image"
            raise UpdraftError(f"{archive} does not hold {reference}", where=f"it held: {found}")
        # An image that no registry has must not be collected when the disk gets full.
        run(*self._ctr, "images", "label", reference, PINNED)
        return True

    def running(self) -> set[str]:
        """The ids of the containers that run."""
        rows = (line.split() for line in run(*self._ctr, "tasks", "list").splitlines()[1:])
        return {row[0] for row in rows if row[2] == "RUNNING"}

    def remove(self, references: set[str], *, collect: bool = False) -> None:
        """Remove images; their layers go with the next collection.

        Args:
            references: Of the images.
            collect: Whether to collect at once, and wait for it.
        """
        if references:
            sync = ["--sync"] if collect else []
            run(*self._ctr, "images", "remove", *sync, *sorted(references))


@contextmanager
def loading(
    store: Store, archives: Sequence[Archive], loaded: Callable[[str], None]
) -> Iterator[None]:
    """Import archives side by side while the block runs, and wait for them at its end.

    Args:
        store: What is to hold them.
        archives: Archive and reference of each image.
        loaded: Told each reference that was not there before.

    Raises:
        UpdraftError: An archive is none, or does not hold its reference.
    """

    def load(archive: Path, reference: str) -> None:
        if store.load(archive, reference):
            loaded(reference)

    # Side by side, as unpacking one keeps one processor busy.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        loads = [pool.submit(load, *each) for each in archives]
        try:
            yield
            for each in loads:
                each.result()
        except BaseException:  # what is interrupted begins nothing more
            pool.shutdown(wait=False, cancel_futures=True)
            raise
