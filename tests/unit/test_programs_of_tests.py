"""A test waits for the programs that it needs, and for no other that is being compiled."""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.tools import ToolCache
from tests.programs import programs


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToolCache:
    """A cache of this test alone."""
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path))
    return ToolCache(tmp_path)


def test_a_program_that_is_there_is_given_while_others_are_compiled(cache: ToolCache) -> None:
    with ThreadPoolExecutor(1) as aside, cache.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        given = aside.submit(programs, "pause", "helm")
        for name in ("pause", "helm"):
            assert not given.done(), f"given without {name}"
            cache.path(name).parent.mkdir(parents=True)
            cache.path(name).touch()
        found = given.result(timeout=30)
        fcntl.flock(held, fcntl.LOCK_UN)
    print(found)
    assert found == {name: cache.path(name) for name in ("pause", "helm")}
