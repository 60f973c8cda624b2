"""A new node begins with images that were unpacked once, and shares their files with others."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.errors import UpdraftError
from infra.local import node_stores
from infra.local.images import NOBODY, OVERLAYFS, Archive, architecture, static_archive
from infra.local.node_stores import KEPT, NodeStores
from infra.local.shell import run
from infra.local.start import snapshotter
from infra.local.unpacker import serving
from infra.root import ROOT
from tests.programs import programs
from tests.waiting import wait_for

LAYERS = f"io.containerd.snapshotter.v1.{OVERLAYFS}/snapshots"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may unpack images")
    if snapshotter(tmp_path_factory.mktemp("trial")) != OVERLAYFS:
        pytest.skip("no overlayfs here, so that nothing is shared")
    return programs("containerd", "ctr")


class Machine:
    """A cache, images to put into it, and the nodes that begin with them."""

    def __init__(self, folder: Path, built: Mapping[str, Path]) -> None:
        self.folder, self.built = folder, dict(built)
        self.said: list[str] = []

    @property
    def kept(self) -> list[Path]:
        """The stores in the cache."""
        return [path for path in node_stores.folder(self.folder).iterdir() if path.is_dir()]

    def archive(self, name: str) -> Archive:
        """An image of a program that is but its name."""
        program = self.folder / name
        program.write_text(name * 1000)
        return static_archive(name, program, NOBODY, self.folder / "archives")

    def node(self, name: str, archives: list[Archive], way: str = OVERLAYFS) -> Path:
        """The root of the containerd of a new node."""
        self.said.clear()
        root = self.folder / name / "containerd"
        root.parent.mkdir(exist_ok=True)
        run = self.folder / f"{name}-run"
        NodeStores(self.folder, run, self.built, way, self.said.append).give(root, archives)
        return root

    def references(self, root: Path) -> set[str]:
        """The images that a node's containerd finds."""
        with serving(root, self.folder / "run", self.built, OVERLAYFS) as store:
            return store.references()

    def files(self, root: Path) -> dict[Path, int]:
        """The inodes of the files that a node has of the programs of its images."""
        found = [path for path in (root / LAYERS).rglob("fs/*") if path.is_file()]
        assert found, f"no layer in {root}"
        return {path.relative_to(root): path.stat().st_ino for path in found}

    def digest(self, store: Path) -> str:
        """Of everything that a store in the cache holds."""
        digest = hashlib.sha256()
        for path in sorted(store.rglob("*")):
            found = path.lstat()
            digest.update(f"{path} {found.st_mode} {found.st_uid} {found.st_size}".encode())
            if path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()


@pytest.fixture
def machine(tmp_path: Path, built: Mapping[str, Path]) -> Machine:
    return Machine(tmp_path, built)


def refs(archives: list[Archive]) -> set[str]:
    return {reference for _, reference in archives}


def layered(folder: Path) -> Archive:
    """An image whose second layer deletes of the first, and holds what a copy could lose."""

    def entry(name: str, content: bytes = b"", **of: int) -> tuple[tarfile.TarInfo, bytes]:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.uid = len(content), of.get("mode", 0o644), of.get("uid", 0)
        return info, content

    def folder_of(name: str) -> tuple[tarfile.TarInfo, bytes]:
        info, content = entry(name, mode=0o755)
        info.type = tarfile.DIRTYPE
        return info, content

    def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
        info, content = entry(name)
        info.type, info.linkname = tarfile.SYMTYPE, target
        return info, content

    layers = [
        [folder_of("old"), entry("old/file", b"1"), folder_of("db"), entry("db/gone.db", b"1")],
        [
            *(folder_of("old"), entry("old/.wh..wh..opq"), entry("old/new", b"2")),
            *(folder_of("db"), entry("db/.wh.gone.db"), entry("db/own.db", b"3", uid=50000)),
            *(link("db/host.db", "/etc/hostname"), folder_of("db/folder.db")),
            entry("root", b"4", mode=0o4755),
        ],
    ]
    made = []
    for layer in layers:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for info, content in layer:
                archive.addfile(info, io.BytesIO(content))
        made.append(buffer.getvalue())
    reference = "localhost/updraft/layered:1"
    digests = [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in made]
    config = {
        "architecture": architecture(),
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": digests},
    }
    names = [f"layer-{number}.tar" for number in range(len(made))]
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": names}]
    target = folder / "layered.tar"
    with tarfile.open(target, "w") as archive:
        for name, content in [
            *zip(names, made, strict=True),
            ("config.json", json.dumps(config).encode()),
            ("manifest.json", json.dumps(manifest).encode()),
        ]:
            info, _ = entry(name, content)
            archive.addfile(info, io.BytesIO(content))
    return target, reference


def test_a_second_node_begins_with_the_first_ones_files(machine: Machine) -> None:
    archives = [machine.archive("one"), machine.archive("two")]
    first = machine.node("first", archives)
    print(machine.said)
    assert sorted(machine.said) == sorted(f"{reference} unpacked" for reference in refs(archives))
    second = machine.node("second", archives)
    assert machine.said == []
    assert machine.references(first) == machine.references(second) == refs(archives)
    print(machine.files(first))
    assert machine.files(first) == machine.files(second)
    databases = [path.stat().st_ino for root in (first, second) for path in root.rglob("*.db")]
    assert len(set(databases)) == len(databases) > 2


def test_what_a_node_does_to_its_images_leaves_the_cache_as_it_was(machine: Machine) -> None:
    archives = [machine.archive("one"), machine.archive("two")]
    first = machine.node("first", archives)
    before = machine.digest(machine.kept[0])
    with serving(first, machine.folder / "run", machine.built, OVERLAYFS) as store:
        store.load(*machine.archive("three"))
        store.remove(refs(archives), collect=True)
    assert machine.digest(machine.kept[0]) == before
    assert {path.name for path in machine.files(first)} == {"three"}
    assert machine.references(machine.node("second", archives)) == refs(archives)


def test_nothing_of_a_layer_is_lost_or_followed_on_the_way(machine: Machine) -> None:
    machine.node("first", [layered(machine.folder)])
    root = machine.node("second", [layered(machine.folder)])
    assert machine.said == [], "it is the copy that is looked at"
    fs = next(path for path in (root / LAYERS).glob("*/fs") if (path / "root").exists())
    found = {str(path.relative_to(fs)): path.lstat() for path in fs.rglob("*")}
    print({name: (oct(each.st_mode), each.st_uid) for name, each in found.items()})
    assert stat.S_ISCHR(found["db/gone.db"].st_mode), "the whiteout"
    assert os.getxattr(fs / "old", "trusted.overlay.opaque") == b"y"
    assert found["db/own.db"].st_uid == 50000
    assert (fs / "db/host.db").readlink() == Path("/etc/hostname")
    assert stat.S_ISDIR(found["db/folder.db"].st_mode)
    assert found["root"].st_mode & 0o7777 == 0o4755


def test_of_changed_images_only_the_new_are_unpacked_and_the_old_go(machine: Machine) -> None:
    one, two, three = (machine.archive(name) for name in ("one", "two", "three"))
    first = machine.node("first", [one, two])
    machine.node("between", [machine.archive("other")])  # used later, and of no help
    second = machine.node("second", [two, three])
    print(machine.said)
    assert machine.said == [f"{three[1]} unpacked"]
    assert machine.references(second) == {two[1], three[1]}
    assert machine.references(first) == {one[1], two[1]}, "another node's are its own"
    names = {path.name for path in machine.files(second)}
    assert names == {"two", "three"}, "the layers of what has gone are gone"


def test_another_build_of_containerd_begins_anew(
    machine: Machine, built: Mapping[str, Path]
) -> None:
    archives = [machine.archive("one")]
    machine.node("first", archives)
    other = machine.folder / "containerd-other"
    other.mkdir()
    machine.built["containerd"] = other / "containerd"
    machine.built["containerd"].symlink_to(built["containerd"])
    machine.node("second", archives)
    assert machine.said == [f"{archives[0][1]} unpacked"]
    assert len(machine.kept) == 2, "each may be of another checkout"


def test_the_last_used_are_kept_whatever_the_clock_says(machine: Machine) -> None:
    archives = [[machine.archive(f"image-{number}")] for number in range(KEPT + 2)]
    for number in range(KEPT):
        machine.node(f"node-{number}", archives[number])
    machine.node("again", archives[0])
    machine.node("one-more", archives[KEPT])
    assert len(machine.kept) == KEPT
    machine.node("used", archives[0])
    assert machine.said == [], "it was used after the second, which went"
    for store in machine.kept:
        os.utime(store, (2**32, 2**32))
    last = machine.node("behind", archives[KEPT + 1])
    assert machine.references(last) == refs(archives[KEPT + 1])
    assert len(machine.kept) == KEPT


def test_what_a_killed_command_left_is_thrown_away(machine: Machine) -> None:
    archives = [machine.archive("one")]
    machine.node("first", archives)
    unfinished = node_stores.folder(machine.folder) / "containerd-killed.partial"
    half = machine.folder / "second" / "containerd.partial"
    for each in (unfinished, half / "io.containerd.content.v1.content" / "blobs"):
        each.mkdir(parents=True)
    second = machine.node("second", archives)
    assert machine.files(second)
    assert not unfinished.exists()
    assert not half.exists()


def test_two_at_once_unpack_once(machine: Machine) -> None:
    archives = [machine.archive("one"), machine.archive("two")]
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from infra.local.node_stores import NodeStores\n"
        "cache, root, containerd, ctr, *rest = sys.argv[1:]\n"
        "built = {'containerd': Path(containerd), 'ctr': Path(ctr)}\n"
        "archives = [(Path(a), r) for a, r in zip(rest[::2], rest[1::2])]\n"
        "Path(root).parent.mkdir()\n"
        "stores = NodeStores(Path(cache), Path(root).parent, built, 'overlayfs', print)\n"
        "stores.give(Path(root), archives)\n"
    )
    roots = [machine.folder / name / "containerd" for name in ("first", "second")]
    flat = [str(part) for archive in archives for part in archive]
    tools = [str(machine.built[name]) for name in ("containerd", "ctr")]

    def node(root: Path) -> str:
        return run(sys.executable, "-c", script, machine.folder, root, *tools, *flat, cwd=ROOT)

    with ThreadPoolExecutor(2) as pool:
        told = "".join(pool.map(node, roots))
    print(told)
    assert told.count(" unpacked") == len(archives)
    assert machine.files(roots[0]) == machine.files(roots[1])


def test_a_node_that_has_a_store_keeps_it(machine: Machine) -> None:
    root = machine.folder / "old" / "containerd"
    root.mkdir(parents=True)
    (root / "what-it-had").touch()
    machine.node("old", [machine.archive("one")])
    assert [path.name for path in root.iterdir()] == ["what-it-had"]


def test_where_each_container_gets_a_copy_nothing_is_shared(machine: Machine) -> None:
    assert not machine.node("node", [machine.archive("one")], way="native").exists()


def test_where_no_link_can_be_made_the_node_is_left_to_import(machine: Machine) -> None:
    state = machine.folder / "node"
    state.mkdir()
    # Of one file system, as a container's volumes are; and yet no link leads from one to the other.
    run("mount", "--bind", state, state)
    try:
        assert not machine.node("node", [machine.archive("one")]).exists()
    finally:
        run("umount", state)
    assert machine.kept == []
    assert list(state.iterdir()) == []


def test_a_damaged_archive_is_named_and_leaves_nothing(machine: Machine) -> None:
    archive, reference = machine.archive("one")
    archive.write_bytes(archive.read_bytes()[:2000])
    with pytest.raises(UpdraftError) as caught:
        machine.node("node", [(archive, reference)])
    print(caught.value)
    assert str(archive) in str(caught.value)
    assert not (machine.folder / "node" / "containerd").exists()
    archive.unlink()
    assert machine.files(machine.node("node", [machine.archive("one")]))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_unpacks_does_not_outlive_the_command_however_that_ends(
    machine: Machine, number: signal.Signals
) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from infra.local.unpacker import serving\n"
        "root, containerd, ctr = map(Path, sys.argv[1:])\n"
        "built = {'containerd': containerd, 'ctr': ctr}\n"
        "with serving(root, root.parent / 'run', built, 'overlayfs'):\n"
        "    print('up', flush=True)\n    time.sleep(60)\n"
    )
    programs_and_root = [machine.folder / "root", machine.built["containerd"], machine.built["ctr"]]
    command = [sys.executable, "-c", script, *map(str, programs_and_root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        served = _children(process.pid)
        process.send_signal(number)
    print(served)
    assert len(served) == 1
    wait_for(lambda: not Path(f"/proc/{served[0]}").exists(), 40, "containerd's end")


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in listed.split()]
