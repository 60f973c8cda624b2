"""What the first run chose stays, and what can't change in place is refused."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from infra.cli import choices, options
from infra.cli.choices import Choices
from infra.cli.choose import choose, tell_dropped
from infra.cli.options import Options
from infra.cli.platform import embedded_settings, image_settings
from infra.errors import UpdraftError
from infra.local.lock import hold_instance
from infra.local.paths import Paths

FIRST = Choices(
    context="",
    engine="embedded",
    chart="embedded",
    chart_path="",
    stack="local",
    registry="",
    ui_port=8080,
    overrides={"tasks": {"quota": {"pods": 8}}},
    images={"airflow": "localhost/updraft/airflow:1"},
)


def test_what_was_chosen_is_read_back(tmp_path: Path) -> None:
    assert choices.read(tmp_path / "state") is None
    choices.write(tmp_path / "state", FIRST)
    assert choices.read(tmp_path / "state") == FIRST
    kept = choices.path_of(tmp_path / "state")
    # For their owner alone, whatever the folder was made with.
    assert [path.stat().st_mode & 0o77 for path in (kept, kept.parent)] == [0, 0]


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    choices.path_of(tmp_path).write_text('{"engine": 1')
    with pytest.raises(UpdraftError, match="can't be read"):
        choices.read(tmp_path)


def test_nothing_said_keeps_everything() -> None:
    assert choose(Options(), FIRST) == FIRST
    assert choose(Options(overrides=options.parse_overrides("none")), FIRST).overrides == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, []),
        ("tasks.quota.pods=24", []),
        ("tasks.quota.pods=24 tasks.quota.cpu=6", []),
        ("tasks.quota.cpu=6", ["no longer set: tasks.quota.pods"]),
        ("none", ["no longer set: tasks.quota.pods"]),
    ],
)
def test_what_a_new_set_drops_of_the_last_one_is_told(text: str | None, told: list[str]) -> None:
    said: list[str] = []
    asked = Options(overrides=None if text is None else options.parse_overrides(text))
    tell_dropped(said.append, FIRST, choose(asked, FIRST))
    print(said)
    assert said == told


def test_the_first_run_drops_nothing() -> None:
    said: list[str] = []
    tell_dropped(said.append, None, FIRST)
    assert said == []


@pytest.mark.parametrize(
    ("asked", "variable"),
    [
        (Options(context="elsewhere"), "CONTEXT"),
        (Options(engine="pulumi"), "ENGINE"),
        (Options(stack="prod"), "STACK"),
    ],
)
def test_what_cannot_change_in_place_is_refused(asked: Options, variable: str) -> None:
    with pytest.raises(UpdraftError, match="can't change in place") as caught:
        choose(asked, FIRST)
    assert variable in str(caught.value)
    assert "make down" in str(caught.value)


def test_another_kind_of_chart_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: airflow\nversion: 1.22.0\n")
    with pytest.raises(UpdraftError, match="AIRFLOW_CHART"):
        choose(Options(airflow_chart=tmp_path), FIRST)
    same = dataclasses.replace(FIRST, chart="official")
    assert choose(Options(airflow_chart=tmp_path), same).chart_path == str(tmp_path)


def test_a_chart_that_has_gone_is_told(tmp_path: Path) -> None:
    gone = dataclasses.replace(FIRST, chart="official", chart_path=str(tmp_path / "gone"))
    with pytest.raises(UpdraftError, match="there is no chart here"):
        choose(Options(), gone)


def test_the_port_and_the_settings_may_change() -> None:
    asked = Options(ui_port=9090, overrides={"tasks": {"parallelism": 4}})
    changed = choose(asked, FIRST)
    assert (changed.ui_port, changed.overrides) == (9090, {"tasks": {"parallelism": 4}})


def test_built_images_go_where_the_stack_uses_them() -> None:
    images = {name: f"localhost/updraft/{name}:7" for name in ("airflow", "postgres", "git-server")}
    assert image_settings(images, {"dags": {"server": {}}}) == {
        "image": {
            "repository": "localhost/updraft/airflow", "tag": "7", "digest": None, "build": None,
        },
        "database": {"internal": {"image": "localhost/updraft/postgres:7"}},
        "dags": {"server": {"image": "localhost/updraft/git-server:7"}},
    }  # fmt: skip
    external = image_settings(images, {"database": {"external": {"host": "db"}}, "dags": {}})
    assert set(external) == {"image"}


def test_a_registrys_port_is_no_tag() -> None:
    found = image_settings({"airflow": "registry.example.com:5000/a/airflow:7"}, {})
    assert found["image"]["repository"] == "registry.example.com:5000/a/airflow"


def test_a_cluster_of_ones_own_is_named_and_keeps_its_service() -> None:
    paths = Paths("x", Path("/c"), Path("/s"), Path("/r"))
    found = embedded_settings(paths, dataclasses.replace(FIRST, context="mine"))
    assert found == {"cluster": {"context": "mine", "kubeconfig": None}}


def test_settings_on_top_are_read_as_yaml() -> None:
    given = "tasks.quota.pods=8 airflow.baseUrl=https://x dags.server=null tasks.x=[a]"
    assert options.parse_overrides(given) == {
        "tasks": {"quota": {"pods": 8}, "x": ["a"]},
        "airflow": {"baseUrl": "https://x"},
        "dags": {"server": None},
    }


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('dags.ssh={"existingSecret":null,"a":[null]}', {"existingSecret": None, "a": [None]}),
        ("dags.ssh={a:1}", None),
        ("dags.ssh={a:{b:1}}", None),
        ("dags.ssh={a:[{b:1,c:2}]}", None),
        ('dags.ssh={"a":{"b":1}}', {"a": {"b": 1}}),
    ],
)
def test_a_key_in_braces_has_a_value_or_null(given: str, read: object) -> None:
    if read is None:
        with pytest.raises(UpdraftError, match="has no value; write area"):
            options.parse_overrides(given)
    else:
        assert options.parse_overrides(given) == {"dags": {"ssh": read}}


@pytest.mark.parametrize("text", ["[1]", "{", "3"])
def test_params_that_are_no_object_are_told(text: str) -> None:
    with pytest.raises(UpdraftError, match="CONF"):
        options.parse_conf(text)


def _hold(paths: Paths, held: Event, enough: Event) -> None:
    with hold_instance(paths, print):
        held.set()
        enough.wait(30)


def test_one_command_at_a_time_and_the_lock_goes_with_a_killed_one(tmp_path: Path) -> None:
    paths = Paths("x", tmp_path, tmp_path / "state" / "x", tmp_path / "run")
    started = multiprocessing.get_context("spawn")
    held, enough = started.Event(), started.Event()
    other = started.Process(target=_hold, args=(paths, held, enough))
    other.start()
    assert held.wait(30)
    told: list[str] = []

    def kill(text: str) -> None:
        told.append(text)
        os.kill(other.pid or 0, signal.SIGKILL)

    with hold_instance(paths, kill):
        assert told == [f"another command on x is under way (process {other.pid}); waiting for it"]
    other.join(30)
    assert other.exitcode == -signal.SIGKILL
