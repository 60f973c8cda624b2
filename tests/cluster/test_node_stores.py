"""A new node begins with images that were unpacked once, and shares their files with others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.local.images import NOBODY, Archive, static_archive
from infra.local.node_stores import KEPT, NodeStores, serving
from infra.root import ROOT
from tests.programs import programs
from tests.waiting import wait_for

SNAPSHOTTER = "overlayfs"


@pytest.fixture(scope="module")
def built() -> Mapping[str, Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may unpack images")
    return programs("containerd", "ctr")


class Machine:
    """A cache, images to put into it, and the nodes that begin with them."""

    def __init__(self, folder: Path, built: Mapping[str, Path]) -> None:
        self.folder, self.built = folder, built
        self.said: list[str] = []
        self.stores = NodeStores(folder / "kept", built, SNAPSHOTTER, self.said.append)

    def archive(self, name: str) -> Archive:
        """An image of a program that is but its name."""
        program = self.folder / name
        program.write_text(name * 1000)
        return static_archive(name, program, NOBODY, self.folder / "archives")

    def node(self, name: str, archives: list[Archive]) -> Path:
        """The root of the containerd of a new node."""
        self.said.clear()
        root = self.folder / name / "containerd"
        root.parent.mkdir(exist_ok=True)
        self.stores.give(root, archives)
        return root

    def references(self, root: Path) -> set[str]:
        """The images that a node's containerd finds."""
        with serving(root, self.built, SNAPSHOTTER) as store:
            return store.references()

    def files(self, root: Path) -> dict[Path, os.stat_result]:
        """The files that a node has of the programs of its images."""
        found = {
            path.relative_to(root): path.stat() for path in root.rglob("fs/*") if path.is_file()
        }
        assert found, f"no layer in {root}"
        return found


@pytest.fixture
def machine(tmp_path: Path, built: Mapping[str, Path]) -> Machine:
    return Machine(tmp_path, built)


def test_a_second_node_begins_with_the_first_ones_files(machine: Machine) -> None:
    archives = [machine.archive("one"), machine.archive("two")]
    wanted = {reference for _, reference in archives}
    first = machine.node("first", archives)
    print(machine.said)
    assert sorted(machine.said) == sorted(f"{reference} unpacked" for reference in wanted)
    second = machine.node("second", archives)
    assert machine.said == []
    assert machine.references(first) == machine.references(second) == wanted
    inodes = [
        {name: found.st_ino for name, found in machine.files(root).items()}
        for root in (first, second)
    ]
    print(inodes)
    assert inodes[0] == inodes[1]
    databases = [path.stat() for root in (first, second) for path in root.rglob("*.db")]
    assert len({found.st_ino for found in databases}) == len(databases) > 2


def test_of_changed_images_only_the_new_are_unpacked_and_the_old_go(machine: Machine) -> None:
    one, two, three = (machine.archive(name) for name in ("one", "two", "three"))
    first = machine.node("first", [one, two])
    second = machine.node("second", [two, three])
    print(machine.said)
    assert machine.said == [f"{three[1]} unpacked"]
    assert machine.references(second) == {two[1], three[1]}
    assert machine.references(first) == {one[1], two[1]}, "another node's are its own"
    names = {path.name for path in machine.files(second)}
    assert names == {"two", "three"}, "the layers of what has gone are gone"


def test_few_are_kept_and_nothing_of_one_that_was_not_finished(machine: Machine) -> None:
    for number in range(KEPT + 1):
        machine.node(f"node-{number}", [machine.archive(f"image-{number}")])
    killed = machine.folder / "kept" / "containerd-killed.partial"
    killed.mkdir()
    machine.node("last", [machine.archive(f"image-{KEPT}")])
    left = [path for path in (machine.folder / "kept").iterdir() if path.is_dir()]
    print(left, machine.said)
    assert len(left) == KEPT
    assert not killed.exists()
    assert machine.said == []


def test_a_node_that_has_a_store_keeps_it(machine: Machine) -> None:
    root = machine.folder / "old" / "containerd"
    root.mkdir(parents=True)
    (root / "what-it-had").touch()
    machine.node("old", [machine.archive("one")])
    assert [path.name for path in root.iterdir()] == ["what-it-had"]


def test_where_each_container_gets_a_copy_nothing_is_shared(machine: Machine) -> None:
    machine.stores = NodeStores(machine.folder / "kept", machine.built, "native", print)
    assert not machine.node("node", [machine.archive("one")]).exists()


def test_what_unpacks_does_not_outlive_the_command_however_that_ends(machine: Machine) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from infra.local.node_stores import serving\n"
        "root, containerd, ctr = map(Path, sys.argv[1:])\n"
        "with serving(root, {'containerd': containerd, 'ctr': ctr}, 'overlayfs'):\n"
        "    print('up', flush=True)\n    time.sleep(600)\n"
    )
    root = machine.folder / "root"
    programs_and_root = [root, machine.built["containerd"], machine.built["ctr"]]
    command = [sys.executable, "-c", script, *map(str, programs_and_root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        served = _children(process.pid)
        process.send_signal(signal.SIGKILL)
    print(served)
    assert len(served) == 1
    wait_for(lambda: not Path(f"/proc/{served[0]}").exists(), 10, "containerd's end")


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in listed.split()]
