"""What a compiler may fill is bounded by the machine and by each control group above it."""

from __future__ import annotations

import os
from pathlib import Path

from infra.local import memory
from infra.local.cgroups import Hierarchy, hierarchies

GIB = 1 << 30


def made(root: Path, path: str, name: str, limit: str) -> None:
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"{limit}\n")


def test_every_group_from_the_process_up_to_the_root_counts(tmp_path: Path) -> None:
    made(tmp_path, "pods/one", "memory.max", "max")
    made(tmp_path, "pods", "memory.max", str(8 * GIB))
    made(tmp_path, "", "memory.max", str(64 * GIB))
    found = list(memory.limits("0::/pods/one\n", [Hierarchy(tmp_path, 2, frozenset())]))
    print(found)
    assert found == [8 * GIB, 64 * GIB]


def test_version_1_counts_in_its_own_hierarchy_alone(tmp_path: Path) -> None:
    made(tmp_path / "memory", "build", "memory.limit_in_bytes", str(4 * GIB))
    made(tmp_path / "cpu", "build", "memory.limit_in_bytes", "1")
    mounted = [
        Hierarchy(tmp_path / "memory", 1, frozenset({"memory"})),
        Hierarchy(tmp_path / "cpu", 1, frozenset({"cpu", "cpuacct"})),
    ]
    found = list(memory.limits("4:memory:/build\n1:cpu:/\n", mounted))
    print(found)
    assert found == [4 * GIB]


def test_version_1_is_found_as_it_is_mounted(tmp_path: Path) -> None:
    made(tmp_path / "memory", "build", "memory.limit_in_bytes", str(4 * GIB))
    mounted = hierarchies(
        f"31 1 0:29 / {tmp_path}/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
        f"32 1 0:30 / {tmp_path}/memory rw,relatime - cgroup cgroup rw,memory\n"
        f"33 1 0:31 / {tmp_path}/unified rw,relatime - cgroup2 cgroup2 rw\n"
    )
    found = list(memory.limits("4:memory:/build\n1:cpu,cpuacct:/\n0::/\n", mounted))
    print(mounted, found)
    assert found == [4 * GIB]


def test_a_container_that_is_told_the_hosts_path_finds_its_own_root(tmp_path: Path) -> None:
    made(tmp_path, "", "memory.max", str(2 * GIB))
    hierarchy = Hierarchy(tmp_path, 2, frozenset())
    assert list(memory.limits("0::/docker/0123\n", [hierarchy])) == [2 * GIB]


def test_it_is_no_more_than_the_machine_has() -> None:
    found = memory.available()
    print(found)
    assert found is not None
    assert 0 < found <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
