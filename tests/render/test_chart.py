"""The embedded chart: it says what it is, and refuses values that it doesn't honour."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import versions
from infra.errors import UpdraftError
from infra.render.charts import complete
from infra.render.helm import template
from infra.settings import load
from infra.values.airflow import values
from infra.values.image import ImageReference
from tests.render.variants import EMBEDDED, VARIANTS, settings

# Maps whose keys are names, not values of the chart: labels, options, what Kubernetes checks.
OPEN = ("config", "nodeSelector", "resources", "securityContexts", "container", "pod", "containers")


def chart_values(variant: str = "local") -> dict[str, Any]:
    given = values(load(settings(variant)), ImageReference.parse("example.org/image:1"))
    copy: dict[str, Any] = json.loads(json.dumps(given))
    return copy


def expand(helm: Path, given: dict[str, Any], chart: Path = EMBEDDED) -> list[dict[str, Any]]:
    inputs = {"name": "airflow", "namespace": "airflow", "chart": str(chart), "values": given}
    return template(inputs, helm=helm, folder=chart, kubernetes=versions.KUBERNETES)


def maps(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each map whose keys the chart knows by name."""
    if isinstance(value, dict) and not set(path) & set(OPEN):
        yield path, value
        for key, below in value.items():
            yield from maps(below, (*path, key))


def test_the_chart_says_what_it_is() -> None:
    about = yaml.safe_load((EMBEDDED / "Chart.yaml").read_text())
    print(about)
    assert about["name"] == versions.CHART_NAME
    assert about["version"] == f"{versions.CHART}-embedded"
    assert about["appVersion"] == versions.AIRFLOW
    assert about["annotations"]["updraft.dev/embedded"] == "true"


def test_a_value_that_it_does_not_honour_is_refused_wherever_it_is(helm: Path) -> None:
    seen = 0
    for path, _ in maps(chart_values()):
        given = chart_values()
        below = given
        for key in path:
            below = below[key]
        below["surprise"] = 1
        with pytest.raises(UpdraftError) as caught:
            expand(helm, given)
        assert "surprise" in str(caught.value), path
        seen += 1
    print(f"{seen} maps")
    assert seen >= 35


def test_a_part_that_it_does_not_have_cannot_be_switched_on(helm: Path) -> None:
    seen = 0
    for path, below in maps(chart_values()):
        for key in ("enabled", "create"):
            if below.get(key) is not False:
                continue
            given = chart_values()
            place = given
            for step in path:
                place = place[step]
            place[key] = True
            with pytest.raises(UpdraftError) as caught:
                expand(helm, given)
            assert f"/{'/'.join([*path, key])}'" in str(caught.value)
            seen += 1
    print(f"{seen} switches")
    assert seen >= 16


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("executor",), "CeleryExecutor"),
        (("dags", "gitSync", "enabled"), False),
        (("apiServer", "service", "ports"), [{"name": "api-server", "port": 80}]),
        (("images", "airflow", "digest"), "sha256:short"),
        (("dags", "gitSync", "sshKeySecret"), "key-without-known-hosts"),
    ],
)
def test_a_value_of_another_kind_is_refused(helm: Path, path: tuple[str, ...], value: Any) -> None:
    given = chart_values()
    place = given
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(UpdraftError) as caught:
        expand(helm, given)
    print(caught.value)
    assert "/".join(path[:-1]) in str(caught.value)


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_each_value_changes_what_is_made(helm: Path, variant: str) -> None:
    """Whatever is given and can vary is honoured: another text in its place changes an object."""
    given = chart_values(variant)
    whole = json.dumps(expand(helm, given))
    unused = []
    for path, value in _texts(given):
        name = ".".join(path)
        if name not in UNUSED and json.dumps(value)[1:-1] not in whole:
            unused.append(name)
    print(unused)
    assert len(list(_texts(given))) >= 60
    assert not unused


# What only the official chart needs: it says another value again, or is a constant by the schema.
UNUSED = (
    "airflowVersion",
    "data.brokerUrlSecretName",
    "defaultAirflowRepository",
    "defaultAirflowTag",
    "dags.gitSync.branch",
    "dags.gitSync.rev",
    "dags.gitSync.subPath",
    "executor",
    "podTemplate",
)


def _texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _texts(below, (*path, key))
    elif isinstance(value, str) and "{{" not in value and '"' not in value and value:
        yield path, value


def test_a_changed_option_restarts_the_processes(helm: Path) -> None:
    before = _annotations(expand(helm, chart_values()))
    given = chart_values()
    given["config"]["core"]["parallelism"] = "7"
    after = _annotations(expand(helm, given))
    assert len(before) == 4
    assert all(before[name] != after[name] for name in before)
    given = chart_values()
    given["podTemplate"] += "# changed\n"
    after = _annotations(expand(helm, given))
    assert [name for name in before if before[name] != after[name]] == ["airflow-scheduler"]


def _annotations(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["annotations"]
            for one in objects if one["kind"] == "Deployment"}  # fmt: skip


def test_a_missing_dependency_that_is_off_is_left_out(tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    chart.mkdir()
    dependency = {"name": "postgresql", "version": "1", "repository": "https://example.com",
                  "condition": "postgresql.enabled"}  # fmt: skip
    about = {"apiVersion": "v2", "name": "x", "version": "1", "dependencies": [dependency]}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
    copy = complete(chart, {"postgresql": {"enabled": False}}, tmp_path / "scratch")
    assert copy != chart
    assert yaml.safe_load((copy / "Chart.yaml").read_text())["dependencies"] == []
    with pytest.raises(UpdraftError, match="lacks its dependency postgresql"):
        complete(chart, {"postgresql": {"enabled": True}}, tmp_path / "other")


@pytest.mark.parametrize("what", ["nothing", "a folder", "a file"])
def test_a_path_that_is_no_chart_is_told(helm: Path, tmp_path: Path, what: str) -> None:
    path = tmp_path / "chart"
    if what == "a folder":
        path.mkdir()
    if what == "a file":
        path.write_text("no archive")
    with pytest.raises(UpdraftError) as caught:
        expand(helm, chart_values(), path)
    print(caught.value)
    assert str(path) in str(caught.value)
