"""What the commands on a live platform print."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest

from infra.cli import demonstration
from infra.cli.platform import Platform
from infra.cli.remove import running, tell_running
from infra.cli.runs import RunReport
from infra.local.paths import Paths
from infra.local.tools import ToolCache
from infra.output import Output


def test_the_login_is_labelled_and_hides_the_password_until_it_is_given(platform: Platform) -> None:
    hidden = demonstration.login(platform)
    shown = demonstration.login(platform, ("somebody", "s3cret"))
    print("\n".join([*hidden, *shown]))
    assert hidden[0] == shown[0] == "UI:        http://localhost:8080"
    assert hidden[1] == "user:      admin"
    assert "make ui SECRETS=1" in hidden[2]
    assert shown[1:] == ["user:      somebody", "password:  s3cret"]


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ([], "no task runs"),
        (["Succeeded", "Failed"], "no task runs"),
        (["Running", "Succeeded"], "1 task runs, 0 wait to start: "),
        (["Running", "Pending", "Running", "Failed"], "2 tasks run, 1 waits to start: "),
        (["Pending", "Pending"], "0 tasks run, 2 wait to start: "),
    ],
)
def test_stop_counts_the_tasks_that_it_ends(phases: list[str], told: str) -> None:
    text = running({"status": {"phase": phase}} for phase in phases)
    print(text)
    assert text.startswith(told)


RUN = RunReport("dynamic_tasks", "manual__2026-01-01T00:00:00+00:00")
RUN_PAGE = "/dags/dynamic_tasks/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00"


@pytest.mark.parametrize(
    ("settings", "report", "page"),
    [
        ({}, RUN, "http://localhost:8080/plugin/platform"),
        ({}, None, "http://localhost:8080/plugin/platform"),
        ({"monitoring": {"mode": "none"}}, RUN, f"http://localhost:8080{RUN_PAGE}"),
        ({"monitoring": {"mode": "none"}}, None, "http://localhost:8080"),
        ({"airflow": {"baseUrl": "https://x.example.com/a"}}, RUN, "https://x.example.com/a/plugin/platform"),
    ],
)  # fmt: skip
def test_the_last_box_names_the_page_to_see_first(
    platform: Platform, settings: dict[str, Any], report: RunReport | None, page: str
) -> None:
    chosen = dataclasses.replace(platform.chosen, overrides=settings)
    told = io.StringIO()
    demonstration.next_steps(Platform(platform.paths, chosen), Output(stream=told), report)
    print(told.getvalue())
    lines = told.getvalue().splitlines()
    assert lines[2].strip("│ ") == f"see first: {page}"
    assert len(lines) <= 12
    assert max(len(line) for line in lines) <= 120


def test_a_changed_setting_is_not_what_makes_the_demonstration_run_again() -> None:
    image = {"repository": "airflow", "tag": "1"}
    before = demonstration.fingerprint({"image": image, "tasks": {"quota": {"pods": 4}}}, "abc")
    wider = demonstration.fingerprint({"image": image, "tasks": {"quota": {"pods": 8}}}, "abc")
    assert wider == before
    assert demonstration.fingerprint({"image": {**image, "tag": "2"}}, "abc") != before
    assert demonstration.fingerprint({"image": image}, "def") != before


@pytest.mark.parametrize(
    ("stack", "why"),
    [("local", "the API server does not say that it is ready"), ("nonsense", "nonsense")],
)
def test_what_is_broken_can_be_stopped_uncounted(
    stack: str, why: str, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path))
    kubectl = ToolCache(tmp_path).path("kubectl")
    kubectl.parent.mkdir(parents=True)
    kubectl.write_text("#!/bin/sh\necho the server is gone >&2\nexit 1\n")
    kubectl.chmod(0o755)
    broken = dataclasses.replace(platform.chosen, stack=stack)
    said: list[str] = []
    tell_running(Platform(Paths.for_instance("told"), broken), said.append)
    print(said)
    assert len(said) == 1
    assert said[0].startswith("how many tasks run is not known: ")
    assert why in said[0]


def test_to_stop_compiles_nothing(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path / "empty"))
    said: list[str] = []
    tell_running(Platform(Paths.for_instance("told"), platform.chosen), said.append)
    assert said == ["how many tasks run is not known: kubectl is not compiled"]
    assert not (tmp_path / "empty").exists()
