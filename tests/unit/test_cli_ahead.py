"""Work that is begun before its turn goes on beside the command, and is told in its turn."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from infra.cli.ahead import Ahead
from infra.local.lock import hold
from infra.local.tools import ToolCache
from tests.waiting import wait_for


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, which the process beside this one takes for the user's."""
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path))
    return tmp_path


def test_its_work_is_done_and_told_once_it_is_asked_for(cache: Path) -> None:
    begun = Ahead("tools", ["pause"], cache / "ahead")
    said: list[str] = []
    begun.follow(said.append)
    print(said)
    assert [line for line in said if line.startswith("building pause")]
    assert ToolCache(cache).path("pause").is_file()


def test_it_waits_for_whoever_works_and_is_told_while_it_does(cache: Path) -> None:
    said: list[str] = []
    with hold(ToolCache(cache).lock, "test", print):
        begun = Ahead("tools", ["pause"], cache / "ahead")
        telling = threading.Thread(target=begun.follow, args=(said.append,))
        telling.start()
        wait_for(lambda: any("waiting for it" in line for line in said), 30, "it to wait")
        assert not ToolCache(cache).path("pause").exists()
    telling.join()
    print(said)
    assert ToolCache(cache).path("pause").is_file()


def test_a_fault_is_told_in_a_line_and_left_to_the_command(cache: Path) -> None:
    begun = Ahead("tools", ["nothing"], cache / "ahead")
    said: list[str] = []
    begun.follow(said.append)
    print(said)
    assert said == ['ended early: no tool "nothing"']


def test_it_ends_with_the_command_and_leaves_no_half_made_program(cache: Path) -> None:
    with hold(ToolCache(cache).lock, "test", print):
        begun = Ahead("tools", ["pause"], cache / "ahead")
        begun.end()
    print((cache / "ahead" / "tools.log").read_text(), file=sys.stderr)
    assert not (cache / "tools").exists()
