"""`make render` writes what can be deployed, with the images of the platform that make up made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.cli import build, choices
from infra.cli.choices import Choices
from infra.cli.image_plan import unbuilt
from infra.cli.options import Options, parse_overrides
from infra.errors import UpdraftError
from infra.local.paths import Paths
from infra.settings import load, stack
from tests.render.variants import EMBEDDED

INSTANCE = "test-render"


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path / "state"))
    return Paths.for_instance(INSTANCE)


def record(paths: Paths, loki: str, overrides: Mapping[str, Any] | None = None) -> None:
    """Record a platform whose Loki is this image, and whose SET this was."""
    chosen = Choices(
        context="",
        engine="embedded",
        chart="embedded",
        chart_path=str(EMBEDDED),
        stack="local",
        registry="",
        ui_port=8080,
        overrides=overrides or {},
        images={"airflow": "localhost/updraft/airflow:7", "loki": loki},
    )
    choices.write(paths.state, chosen)


@pytest.mark.usefixtures("helm")
def test_an_image_that_is_not_built_yet_is_refused_and_nothing_is_written(
    paths: Paths, tmp_path: Path
) -> None:
    out = tmp_path / "rendered"
    record(paths, unbuilt("loki"))
    with pytest.raises(UpdraftError, match="not built yet: localhost/updraft/loki:unbuilt") as told:
        build.render(Options(instance=INSTANCE), str(out))
    print(told.value)
    assert str(choices.path_of(paths.state)) in str(told.value)
    assert "make up" in str(told.value)
    assert not out.exists()
    unwatched = Options(instance=INSTANCE, overrides={"monitoring": {"mode": "none"}})
    build.render(unwatched, str(out))
    assert any(out.iterdir())


@pytest.mark.usefixtures("helm")
def test_what_is_built_is_written(paths: Paths, tmp_path: Path) -> None:
    out = tmp_path / "rendered"
    record(paths, "localhost/updraft/loki:7")
    build.render(Options(instance=INSTANCE), str(out))
    texts = "".join(path.read_text() for path in out.rglob("*.yaml"))
    assert "localhost/updraft/loki:7" in texts
    assert "localhost/updraft/airflow:7" in texts


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(
    ("words", "replaced"), [(None, False), ("tasks.quota.cpu=6", True), ("none", True)]
)
def test_a_new_set_takes_the_place_of_the_whole_last_one_as_with_make_up(
    words: str | None, *, replaced: bool, paths: Paths, tmp_path: Path
) -> None:
    own = load(stack.read("local")).tasks.quota.pods
    record(paths, "localhost/updraft/loki:7", {"tasks": {"quota": {"pods": own + 1}}})
    asked = None if words is None else parse_overrides(words)
    build.render(Options(instance=INSTANCE, overrides=asked), str(tmp_path / "rendered"))
    (file,) = (tmp_path / "rendered").glob("*-resourcequota-tasks.yaml")
    quota = yaml.safe_load(file.read_text())["spec"]["hard"]
    print(words, quota)
    assert int(quota["pods"]) == (own if replaced else own + 1)
