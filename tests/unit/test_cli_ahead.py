"""Work that is begun before its turn goes on beside the command, and ends with it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.cli.ahead import NICE, Ahead
from infra.errors import UpdraftError
from infra.local.lock import hold
from infra.local.tools import ToolCache
from infra.output import Output
from infra.root import ROOT
from tests.processes import marked
from tests.waiting import wait_for

# Compiled for long enough to be met while it is.
LONG = "amtool"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, which the process beside this one takes for the user's."""
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path))
    yield tmp_path
    assert working(tmp_path) == {}


def working(cache: Path) -> dict[int, str]:
    """The processes that fill a cache."""
    found = marked("UPDRAFT_CACHE", str(cache))
    print(found)
    return found


def compilers(cache: Path) -> dict[int, str]:
    """Those of them that Go has started."""
    return {pid: line for pid, line in working(cache).items() if "/compile " in line}


def test_its_work_is_done_and_told_once_it_is_asked_for(cache: Path) -> None:
    begun = Ahead("tools", ["pause"], cache / "ahead")
    said = io.StringIO()
    begun.follow(Output(stream=said))
    print(said.getvalue())
    assert "  building pause" in said.getvalue()
    assert ToolCache(cache).path("pause").is_file()


def test_what_it_did_before_its_turn_is_told_at_the_time_of_it(cache: Path) -> None:
    begun = Ahead("tools", ["pause"], cache / "ahead")
    wait_for(lambda: ToolCache(cache).path("pause").is_file(), 120, "the program")
    said = io.StringIO()
    output = Output(stream=said)
    output.started -= 3600
    begun.follow(output)
    started = next(line for line in said.getvalue().splitlines() if "building pause" in line)
    later = io.StringIO()
    Output(stream=later, started=output.started)("now")
    print(said.getvalue(), later.getvalue())
    assert "59:" in started or "60:" in started
    assert started.split()[0] <= later.getvalue().split()[0]


def test_it_waits_for_whoever_works_and_is_told_while_it_does(cache: Path) -> None:
    said = io.StringIO()
    with hold(ToolCache(cache).lock, "test", print):
        begun = Ahead("tools", ["pause"], cache / "ahead")
        telling = threading.Thread(target=begun.follow, args=(Output(stream=said),))
        telling.start()
        wait_for(lambda: "waiting for it" in said.getvalue(), 30, "it to wait")
        assert not ToolCache(cache).path("pause").exists()
    telling.join()
    print(said.getvalue())
    assert ToolCache(cache).path("pause").is_file()


def test_it_takes_what_others_leave_of_the_processors(cache: Path) -> None:
    with hold(ToolCache(cache).lock, "test", print):
        begun = Ahead("tools", ["pause"], cache / "ahead", aside=True)
        [own] = wait_for(lambda: working(cache), 30, "it to begin")
        wait_for(lambda: os.getpriority(os.PRIO_PROCESS, own) == NICE, 30, "it to stand back")
        group = Path(f"/proc/{own}/autogroup")
        if group.exists():
            wait_for(lambda: group.read_text().endswith(f"nice {NICE}\n"), 5, "its session, too")
        begun.end()


def test_a_fault_is_told_in_a_line_and_left_to_the_command(cache: Path) -> None:
    begun = Ahead("tools", ["nothing"], cache / "ahead")
    said = io.StringIO()
    begun.follow(Output(stream=said))
    print(said.getvalue())
    assert 'ended early: no tool "nothing"' in said.getvalue()


def test_ended_in_the_middle_of_a_build_it_leaves_no_process_and_no_program(cache: Path) -> None:
    begun = Ahead("tools", [LONG], cache / "ahead")
    wait_for(lambda: compilers(cache), 120, "a compiler")
    begun.end()
    assert working(cache) == {}
    assert [path for path in (cache / "tools").rglob("*") if path.is_file()] == []
    with hold(ToolCache(cache).lock, "test", pytest.fail):
        pass


def test_it_ends_with_a_command_that_is_killed(cache: Path) -> None:
    program = (
        "import pathlib, sys, time; from infra.cli.ahead import Ahead;"
        f"Ahead('tools', ['{LONG}'], pathlib.Path(sys.argv[1])); time.sleep(600)"
    )
    # A shell's background job ignores interrupts, and so does what it starts.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        command = subprocess.Popen([sys.executable, "-c", program, cache / "ahead"], cwd=ROOT)
    finally:
        signal.signal(signal.SIGINT, before)
    wait_for(lambda: compilers(cache), 120, "a compiler")
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    wait_for(lambda: not working(cache), 60, "all of it to end")
    with hold(ToolCache(cache).lock, "test", pytest.fail):
        pass


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UpdraftError) as caught:
        Ahead("tools", ["pause"], tmp_path / "file" / "log")
    print(caught.value)
    assert str(tmp_path / "file") in caught.value.where
    assert "UPDRAFT_CACHE" in caught.value.fix


def test_what_it_ran_ends_too_where_it_was_killed_itself(cache: Path) -> None:
    begun = Ahead("tools", [LONG], cache / "ahead")
    wait_for(lambda: compilers(cache), 120, "a compiler")
    [leader] = [pid for pid, line in working(cache).items() if "infra.cli.ahead" in line]
    os.kill(leader, signal.SIGKILL)
    begun.follow(Output(stream=io.StringIO()))
    wait_for(lambda: not working(cache), 10, "what it ran to end")
