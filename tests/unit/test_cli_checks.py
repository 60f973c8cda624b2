"""The tests begin at once, and what is to be compiled for them is compiled beside them."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.cli import checks, lint
from infra.cli.options import HELP
from infra.local.programs import NODE_TOOLS, TOOLS
from infra.local.tools import ToolCache
from infra.root import ROOT
from tests.processes import marked
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


def test_what_is_missing_is_compiled_until_the_tests_have_ended(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = cache / "tests" / checks.instance() / "tools.log"
    with ExitStack() as ahead:
        assert checks._begin_ahead(ahead, fast=True)
        assert str(log) in capsys.readouterr().out
        wait_for(lambda: f"building {MISSING} (1 of 1" in log.read_text(), 60, "the compiler")
        assert marked("UPDRAFT_CACHE", str(cache))
    print(log.read_text())
    assert marked("UPDRAFT_CACHE", str(cache)) == {}


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


@pytest.mark.parametrize("codes", [(0, -9), (-9, 0), (0, 1), (2, 0)])
def test_a_run_that_a_signal_ended_is_a_failure(
    codes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [*codes, *[0] * 9]
    monkeypatch.setattr(checks, "_pytest", lambda _: left.pop(0))
    monkeypatch.setattr(checks, "_install_browser", lambda: None)
    monkeypatch.delenv("RECORD", raising=False)
    assert checks.test_slow(group=None) == 1


def test_a_check_of_style_that_a_signal_ended_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = lint._run
    killed = ["sh", "-c", "kill -9 $$"]
    monkeypatch.setattr(
        lint, "_run",
        lambda title, _, env: run(title, killed if title == "mypy" else ["true"], env),
    )  # fmt: skip
    assert lint.lint() == 1
    assert "FAILED with exit code -9" in capsys.readouterr().out
