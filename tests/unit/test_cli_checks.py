"""The tests begin at once, and what is to be compiled for them is compiled beside them."""

from __future__ import annotations

import re
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from infra.cli import checks
from infra.cli.options import HELP
from infra.local.programs import NODE_TOOLS, TOOLS
from infra.local.tools import ToolCache
from infra.root import ROOT
from tests.waiting import wait_for

MISSING = "amtool"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test alone, with all programs but one."""
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path))
    store = ToolCache(tmp_path)
    for name in TOOLS.keys() - {MISSING}:
        store.path(name).parent.mkdir(parents=True, exist_ok=True)
        store.path(name).touch()
    return tmp_path


def children() -> list[str]:
    """The commands of the processes below this one; of one that has just ended there is none."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found.append(" ".join(child.cmdline()))
    return found


def test_what_is_missing_is_compiled_until_the_tests_have_ended(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = cache / "tests" / "tools.log"
    with ExitStack() as ahead:
        assert checks._begin_ahead(ahead, fast=True)
        assert str(log) in capsys.readouterr().out
        wait_for(lambda: f"building {MISSING} (1 of 1" in log.read_text(), 60, "the compiler")
        assert any(MISSING in command for command in children())
    print(log.read_text())
    assert not any(MISSING in command for command in children())


def test_nothing_is_compiled_where_nothing_is_missing(cache: Path) -> None:
    ToolCache(cache).path(MISSING).parent.mkdir()
    ToolCache(cache).path(MISSING).touch()
    with ExitStack() as ahead:
        assert not checks._begin_ahead(ahead, fast=False)
    assert not (cache / "tests").exists()


def test_without_a_cluster_no_program_of_a_node_is_compiled(cache: Path) -> None:
    store = ToolCache(cache)
    store.path(MISSING).parent.mkdir()
    store.path(MISSING).touch()
    for name in NODE_TOOLS:
        store.path(name).unlink()
    with ExitStack() as ahead:
        assert not checks._begin_ahead(ahead, fast=True)


def read_by_commands() -> set[str]:
    """The variables in which the commands take what is asked of make."""
    folder = ROOT / "infra" / "cli"
    options = re.findall(r'environ\.get\("(\w+)"', (folder / "__main__.py").read_text())
    texts = "\n".join(path.read_text() for path in folder.glob("*.py"))
    flags = re.findall(r'\bflag\("(\w+)"', texts)
    return {*(name.upper() for name in HELP), *options, *flags}


def test_nothing_that_was_asked_of_make_reaches_the_tests_but_the_chart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = read_by_commands()
    print(sorted(asked))
    assert asked >= {"SECRETS", "MIRROR", "RECORD", "CONTEXT", "AIRFLOW_CHART"}
    for name in asked:
        monkeypatch.setenv(name, "given")
    found = checks.environment()
    assert {name for name in asked if name in found} == {"AIRFLOW_CHART", "INSTANCE"}
    assert found["AIRFLOW_CHART"] == "given"
    assert found["INSTANCE"] == checks.instance()
    assert "PATH" in found
