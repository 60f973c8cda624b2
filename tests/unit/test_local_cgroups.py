"""Hierarchies of both versions are told apart, and every process of ours is found and ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from infra.local import cgroups
from infra.local.cgroups import Subtree

VERSION_1 = """\
25 21 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
26 25 0:23 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
27 25 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
28 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
29 25 0:26 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
"""
VERSION_2 = "24 23 0:21 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_version_1_beside_an_empty_version_2_is_version_1() -> None:
    found = cgroups.hierarchies(VERSION_1)
    print(found)
    assert sorted(h.version for h in found) == [1, 1, 1, 2]
    assert not cgroups.unified(found)
    assert str(cgroups.primary(found).root) == "/sys/fs/cgroup/memory"


def test_version_2_alone_is_version_2() -> None:
    found = cgroups.hierarchies(VERSION_2)
    assert cgroups.unified(found)
    assert str(cgroups.primary(found).root) == "/sys/fs/cgroup"


@pytest.fixture
def subtree() -> Iterator[Subtree]:
    if os.geteuid() != 0:
        pytest.skip("cgroups are made by root alone")
    tree = Subtree(f"updraft-unit-{os.getpid()}")
    yield tree
    tree.kill()
    tree.remove()
    assert not tree.exists()


def _join(tree: Subtree, *below: str, script: str, first: str = ":") -> subprocess.Popen[str]:
    """Start a shell in the cgroup; it has joined it, and done `first`, when this returns."""
    files = [str(folder / "cgroup.procs") for folder in tree.make(*below)]
    joining = f'for f; do echo $$ > "$f"; done; {first}; echo joined; '
    process = subprocess.Popen(
        ["sh", "-c", joining + script, "sh", *files], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "joined\n"
    return process


def test_a_process_is_found_with_its_children_and_ended(subtree: Subtree) -> None:
    process = _join(subtree, "node", "one", script="sleep 600 & wait $!")
    other = _join(subtree, "node", "two", script="exec sleep 600")
    assert process.pid in subtree.pids("node", "one")
    assert subtree.pids("node", "two") == {other.pid}
    subtree.kill("node", "one")
    assert process.wait(timeout=10) != 0
    assert subtree.pids() == {other.pid}, "another program of the instance goes on"
    subtree.kill()
    other.wait(timeout=10)
    assert subtree.pids() == set()


def test_one_that_heeds_no_request_is_killed(subtree: Subtree) -> None:
    process = _join(
        subtree, "node", "deaf", first="trap '' TERM", script="while :; do sleep 0.05; done"
    )
    subtree.kill("node", "deaf", grace=0.3)
    assert process.wait(timeout=10) == -9


def test_the_working_set_counts_what_its_processes_hold(subtree: Subtree) -> None:
    hold = "exec python3 -c 'b = bytearray(50 << 20); print(1, flush=True); input()'"
    files = [str(folder / "cgroup.procs") for folder in subtree.make("node", "big")]
    process = subprocess.Popen(
        ["sh", "-c", 'for f; do echo $$ > "$f"; done; ' + hold, "sh", *files],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    held = subtree.working_set()
    print(f"{held / 2**20:.0f} MiB")
    process.kill()
    process.wait()
    assert 50 * 2**20 <= held < 200 * 2**20
