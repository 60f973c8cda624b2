"""The order of make up's steps where one of them fails."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.cli import image_plan, up
from infra.cli.options import Options
from infra.deploy import definitions
from infra.errors import UpdraftError
from infra.local.paths import Paths
from infra.output import Output

LOST = UpdraftError("the run ended as failed", fix="make logs")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that were taken; what each would do to a machine is left out."""
    steps: list[str] = []

    def step(name: str, answer: Any = None) -> None:
        def taken(*_: Any, **__: Any) -> Any:
            steps.append(name)
            return answer

        monkeypatch.setattr(up._Up, name, taken)

    compiling = SimpleNamespace(follow=lambda _: None)
    for name in ("preflight", "install_tools", "start_cluster"):
        step(name)
    step("unbuilt", SimpleNamespace(settings=None, kubectl=None))
    step("begin_images", None)
    step("begin", compiling)
    step("build_images", {})
    step("references", {})
    step("deploy", lambda: None)
    step("demonstrate", LOST)
    monkeypatch.setattr(image_plan, "late", lambda *_: ("loki",))
    monkeypatch.setattr(up._Up, "find_chart", lambda _, chosen: chosen)
    monkeypatch.setattr(definitions, "refuse_missing", lambda *_: None)

    def join(_: Any, chosen: Any, *__: Any) -> Any:
        steps.append("join")
        return chosen

    monkeypatch.setattr(up._Up, "join", join)
    return steps


def test_what_watches_joins_where_the_demonstration_failed_and_the_fault_is_told_last(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path / "cache"))
    paths = Paths.for_instance("order")
    said = io.StringIO()
    output = Output(steps=up.STEPS, stream=said)
    with ExitStack() as ahead:
        steps = up._Up(paths, output, ahead)
        with pytest.raises(UpdraftError) as caught:
            steps.run(Options(engine="embedded"))
    print(said.getvalue(), done)
    assert caught.value is LOST
    assert done[-3:] == ["deploy", "demonstrate", "join"]
    assert "no run to show: the run ended as failed" in said.getvalue()
    assert paths.state.stat().st_mode & 0o77 == 0
