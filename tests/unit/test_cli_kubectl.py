"""`make env` puts on PATH what the runbooks type, as far as it is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.cli import choices
from infra.cli.choices import Choices
from infra.cli.kubectl import ASKING, env
from infra.cli.options import Options
from infra.local.paths import Paths
from infra.local.tools import ToolCache
from infra.root import ROOT


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToolCache:
    """The empty tool cache of a platform that was made."""
    monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INSTANCE", "asked")
    paths = Paths.for_instance()
    choices.write(paths.state, Choices("", "embedded", "embedded", "", "local", "", 8080))
    made = ToolCache(paths.cache)
    build(made, "kubectl")
    return made


def build(cache: ToolCache, name: str) -> None:
    path = cache.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def on_path(capsys: pytest.CaptureFixture[str]) -> dict[str, Path]:
    """What the folder holds that env puts on PATH, and where each link leads."""
    env(Options())
    told = capsys.readouterr().out
    (folder,) = re.findall(r"^export PATH=(.+):\"\$PATH\"$", told, re.MULTILINE)
    return {link.name: link.resolve(strict=True) for link in Path(folder).iterdir()}


def test_what_is_built_is_on_path_and_nothing_else(
    cache: ToolCache, capsys: pytest.CaptureFixture[str]
) -> None:
    assert on_path(capsys) == {"kubectl": cache.path("kubectl")}
    for name in (*ASKING, "prometheus"):
        build(cache, name)
    every = {name: cache.path(name) for name in ("kubectl", *ASKING)}
    assert on_path(capsys) == every
    cache.path("amtool").unlink()
    del every["amtool"]
    assert on_path(capsys) == every


def test_the_runbooks_type_no_other_program_of_ours() -> None:
    pages = [page.read_text() for page in (ROOT / "docs" / "runbooks").glob("*.md")]
    blocks = [block for text in pages for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    first = {word for block in blocks for word in re.findall(r"^(\w+) ", block, re.MULTILINE)}
    print(first)
    assert {word for word in first if re.match("kube|prom|am", word)} == {"kubectl", *ASKING}
