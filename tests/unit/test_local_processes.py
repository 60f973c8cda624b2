"""A node program is started once, known again, restarted when it ends, and gone when stopped."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.cgroups import Subtree
from infra.local.paths import Paths
from infra.local.processes import Process, Processes, started_at
from tests.waiting import wait_for

SLEEPER = Process("sleeper", ["sleep", "600"], inside=False, grace=0.0)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(f"unit-{os.getpid()}", tmp_path / "cache", tmp_path / "state", tmp_path / "run")


@pytest.fixture
def tree(paths: Paths) -> Iterator[Subtree]:
    if os.geteuid() != 0:
        pytest.skip("cgroups are made by root alone")
    tree = Subtree(paths.name)
    yield tree
    tree.kill()
    tree.remove()


@pytest.fixture
def processes(paths: Paths, tree: Subtree) -> Processes:
    return Processes(paths, tree)


def command(pid: int) -> list[str]:
    """What a process was started as; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return []


def test_a_second_start_of_the_same_changes_nothing(processes: Processes) -> None:
    assert processes.start(SLEEPER)
    pid = processes.pid("sleeper")
    assert pid is not None
    assert not processes.start(SLEEPER)
    assert processes.pid("sleeper") == pid


def test_other_arguments_replace_it(processes: Processes, tree: Subtree) -> None:
    processes.start(SLEEPER)
    first = tree.pids("node", "sleeper")
    assert processes.start(replace(SLEEPER, argv=["sleep", "601"]))
    assert not first & tree.pids("node", "sleeper")


def test_a_changed_configuration_replaces_it(processes: Processes, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("a")
    configured = replace(SLEEPER, configs=[config])
    assert processes.start(configured)
    assert not processes.start(configured)
    config.write_text("b")
    assert processes.start(configured)


def test_a_program_that_ends_is_started_again(processes: Processes, tree: Subtree) -> None:
    processes.start(SLEEPER)
    supervisor = processes.pid("sleeper")
    assert supervisor is not None

    def program() -> set[int]:
        """The program itself: its supervisor starts others for a moment, to tell the time."""
        pids = tree.pids("node", "sleeper")
        return {pid for pid in pids if command(pid) == list(SLEEPER.argv)}

    wait_for(lambda: len(program()) == 1, 5, "the program")
    (first,) = program()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(program()) == 1 and program() != {first}, 10, "its successor")
    assert processes.pid("sleeper") == supervisor
    assert "ended with code 137" in processes.tail("sleeper")


def test_one_that_ends_at_once_each_time_is_given_up(processes: Processes) -> None:
    processes.start(replace(SLEEPER, argv=["sh", "-c", "echo no such luck; exit 3"]))
    wait_for(lambda: processes.pid("sleeper") is None, 20, "the end of trying")
    tail = processes.tail("sleeper", 20)
    print(tail)
    assert tail.count("no such luck") == 5
    assert tail.count("ended with code 3") == 5


def test_a_reused_pid_is_not_taken_for_ours(processes: Processes, paths: Paths) -> None:
    processes.start(SLEEPER)
    file = paths.run / "processes" / "sleeper.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "pid": 1, "started": started_at(1)}))
    assert processes.pid("sleeper") is None, "it runs, but not in our cgroup"
    file.write_text(json.dumps({**record, "started": "another boot:1"}))
    assert processes.pid("sleeper") is None


@pytest.mark.parametrize("damage", ["", "{", '{"pid": 1}'])
def test_a_damaged_record_means_a_new_start(
    processes: Processes, paths: Paths, tree: Subtree, damage: str
) -> None:
    processes.start(SLEEPER)
    before = tree.pids("node", "sleeper")
    (paths.run / "processes" / "sleeper.json").write_text(damage)
    assert processes.pid("sleeper") is None
    assert processes.start(SLEEPER)
    assert not before & tree.pids("node", "sleeper"), "no second one beside it"


def test_a_stopped_one_leaves_no_process_and_no_record(
    processes: Processes, paths: Paths, tree: Subtree
) -> None:
    processes.start(SLEEPER)
    processes.stop("sleeper", grace=1.0)
    assert tree.pids("node", "sleeper") == set()
    assert list((paths.run / "processes").iterdir()) == []


def test_programs_see_none_of_the_users_environment(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    before = os.umask(0o077)
    try:
        processes.start(replace(SLEEPER, argv=["sh", "-c", "env; umask; exec sleep 600"]))
    finally:
        os.umask(before)
    wait_for(lambda: "00" in processes.tail("sleeper"), 5, "the environment and the mask")
    print(processes.tail("sleeper"))
    assert "PATH=" in processes.tail("sleeper")
    assert "PROXY" not in processes.tail("sleeper")
    assert processes.tail("sleeper").splitlines()[-1] == "0022"
