"""The links of a task, from what Airflow has recorded of a try: none is dead, none lies."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.sdk.types import TaskInstanceKey
from airflow.utils.session import create_session
from sqlalchemy import select

from infra.settings.links import PLACEHOLDERS
from updraft import links
from updraft.links import TemplateLink
from updraft.testing.results import RunResult

DAG = """
from airflow.sdk import dag, task

@dag(schedule=None)
def linked():
    @task
    def hello(): pass
    hello()

linked()
"""
SECOND = timedelta(seconds=1)
NOW = datetime.now(tz=UTC).replace(microsecond=0)
QUEUED = NOW - timedelta(minutes=9)
START = QUEUED + 2 * SECOND
RAN: dict[str, Any] = {
    "state": "success",
    "hostname": "shop-hello-abc",
    "queued_dttm": QUEUED,
    "start_date": START,
    "last_heartbeat_at": START + SECOND,
    "end_date": START + 2 * SECOND,
}
LATER = QUEUED + timedelta(minutes=2)
OPERATOR = SimpleNamespace(dag=SimpleNamespace(relative_fileloc="sub folder/shop.py"))
Try = Callable[..., Any]


@pytest.fixture(scope="module")
def dag_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("linked") / "linked.py"
    file.write_text(DAG)
    return file


@pytest.fixture
def recorded(run_dag: Callable[..., RunResult], dag_file: Path, monkeypatch: Any) -> Try:
    """A function that runs a task, lets Airflow's records say what is given, and names the try."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "KubernetesExecutor,LocalExecutor")
    assert run_dag(dag_file).state == "success"

    def record(run: dict[str, Any] | None = None, **columns: Any) -> Any:
        with create_session() as session:
            newest = select(TaskInstance).where(TaskInstance.dag_id == "linked")
            instance = session.scalars(newest.order_by(TaskInstance.start_date.desc())).first()
            assert instance
            for name, value in columns.items():
                setattr(instance, name, value)
            recorded_run = session.scalar(select(DagRun).where(DagRun.run_id == instance.run_id))
            for name, value in (run or {}).items():
                setattr(recorded_run, name, value)
            return instance.key

    return record


def address(template: str, key: TaskInstanceKey, **options: Any) -> str | None:
    """Return what a link's template becomes, None where there is no link."""
    link = TemplateLink("It", f"https://x.example.com/?{template}", **options)
    found = link.get_link(OPERATOR, ti_key=key)
    print(template, repr(found))
    return found.partition("?")[2] if found else None


def test_the_platform_and_the_package_know_the_same_names() -> None:
    assert frozenset(PLACEHOLDERS) == links.PLACEHOLDERS


def test_each_name_has_its_value(recorded: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE", "pods")
    key = recorded({"bundle_version": "c0ffee"}, **RAN)
    template = "|".join(f"{name}={{{name}}}" for name in PLACEHOLDERS)
    found = dict(part.split("=") for part in str(address(template, key)).split("|"))
    start = int(START.timestamp() * 1000)
    assert found == {
        "dag_id": "linked",
        "run_id": found["run_id"],
        "task_id": "hello",
        "map_index": "-1",
        "try_number": "1",
        "namespace": "pods",
        "file": "sub%20folder/shop.py",
        "pod": "shop-hello-abc",
        "commit": "c0ffee",
        "start": START.strftime("%Y-%m-%dT%H%%3A%M%%3A%S.000%%2B00%%3A00"),
        "end": found["end"],
        "start_ms": str(start),
        "end_ms": str(start + 2000),
    }
    assert found["run_id"].startswith("manual__")
    assert "+" not in found["run_id"]


def test_the_logs_of_a_pod_are_looked_for_around_its_task(recorded: Try) -> None:
    start = int(START.timestamp() * 1000)
    expected = f"{start - 60_000}..{start + 62_000}"
    assert address("{from_ms}..{until_ms}", recorded(**RAN)) == expected
    assert address("{from_ms}..{until_ms}", recorded(**{**RAN, "state": "queued"})) is None


def test_a_task_that_runs_ends_now(recorded: Try) -> None:
    key = recorded(**{**RAN, "state": "running", "end_date": None})
    assert abs(int(address("{end_ms}", key) or 0) / 1000 - datetime.now(tz=UTC).timestamp()) < 30


@pytest.mark.parametrize(
    "change",
    [
        {"state": None},
        {"state": "scheduled"},
        {"state": "queued", "queued_dttm": LATER},
        {"state": "failed", "queued_dttm": LATER},  # it never began: its pod could not start
        {"state": "upstream_failed"},
        {"state": "skipped"},
        {"state": "success", "last_heartbeat_at": None},  # somebody's click
        {"hostname": ""},
    ],
    ids=lambda change: str(change.get("state", change)),
)
def test_a_host_of_an_earlier_try_is_not_this_ones_pod(
    recorded: Try, change: dict[str, Any]
) -> None:
    assert address("{pod}", recorded(**RAN)) == "shop-hello-abc"
    assert address("{pod}", recorded(**{**RAN, **change})) is None


@pytest.mark.parametrize("state", ["running", "failed", "up_for_retry", "deferred"])
def test_a_try_that_has_begun_has_a_pod(recorded: Try, state: str) -> None:
    assert address("{pod}", recorded(**{**RAN, "state": state})) == "shop-hello-abc"


def test_a_task_that_goes_on_after_a_wait_has_its_new_pod(recorded: Try) -> None:
    resumed = {"queued_dttm": LATER, "last_heartbeat_at": LATER, "state": "running"}
    assert address("{pod}", recorded(**{**RAN, **resumed, "hostname": "second"})) == "second"


@pytest.mark.parametrize(
    ("own", "expected"),
    [("LocalExecutor", None), ("KubernetesExecutor", "shop-hello-abc"), (None, "shop-hello-abc")],
)
def test_a_host_is_a_pod_only_by_the_executor_that_makes_pods(
    recorded: Try, own: str | None, expected: str | None
) -> None:
    assert address("{pod}", recorded(**RAN, executor=own)) == expected


def test_the_first_executor_runs_what_names_none(
    recorded: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor,KubernetesExecutor")
    assert address("{pod}", recorded(**RAN)) is None


@pytest.mark.parametrize(
    ("minutes", "ended", "shown"),
    [(60, 30, True), (60, 90, False), (0, 1, False), (None, 9999, True), (0, None, True)],
)
def test_the_pods_link_goes_when_the_pod_does(
    recorded: Try, minutes: int | None, ended: int | None, shown: bool
) -> None:
    end = None if ended is None else datetime.now(tz=UTC) - timedelta(minutes=ended)
    lifetime = None if minutes is None else timedelta(minutes=minutes)
    key = recorded(**{**RAN, "end_date": end})
    for template in ("{pod}", "{task_id}"):
        assert bool(address(template, key, lifetime=lifetime)) is shown


@pytest.mark.parametrize(
    ("cleared", "queued", "expected"),
    [
        ({"clear_number": 0, "queued_at": LATER}, QUEUED, "c0ffee"),
        # Cleared after this try, perhaps for another commit.
        ({"clear_number": 1, "queued_at": LATER}, QUEUED, None),
        ({"clear_number": 1, "queued_at": QUEUED}, LATER, "c0ffee"),
        ({"clear_number": 1, "queued_at": QUEUED}, None, None),
        ({"clear_number": 0, "bundle_version": None}, QUEUED, None),
    ],
)
def test_a_commit_is_told_only_where_it_is_certain(
    recorded: Try, cleared: dict[str, Any], queued: datetime | None, expected: str | None
) -> None:
    key = recorded({"bundle_version": "c0ffee", **cleared}, **{**RAN, "queued_dttm": queued})
    assert address("{commit}", key) == expected


def test_an_earlier_try_has_links_of_its_own(recorded: Try) -> None:
    first = recorded(**{**RAN, "hostname": "first", "state": "failed"})
    with create_session() as session:
        query = select(TaskInstance).where(
            TaskInstance.run_id == first.run_id, TaskInstance.dag_id == first.dag_id
        )
        instance = session.scalars(query).one()
        instance.prepare_db_for_next_try(session)
        instance.try_number += 1
        instance.hostname = "second"
    assert address("{pod}", first) == "first"
    assert address("{pod}", first.with_try_number(2)) == "second"
    assert address("{pod}", first.with_try_number(3)) is None


def test_links_that_need_no_record_ask_for_none(own_airflow: None) -> None:  # noqa: ARG001
    unknown = TaskInstanceKey("no such dag", "task", "a/run?x&y")
    assert address("{dag_id}/{run_id}", unknown) == "no%20such%20dag/a%2Frun%3Fx%26y"
    assert address("{pod}", unknown) is None


def test_a_fault_leaves_the_other_links_alone(
    recorded: Try, caplog: pytest.LogCaptureFixture
) -> None:
    key = recorded(**RAN)
    with caplog.at_level(logging.ERROR):
        assert TemplateLink("It", "https://x/{file}").get_link(None, ti_key=key) == ""
    assert "link It of" in caplog.text


def test_the_option_makes_the_links_and_empty_ones_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def configured(**option: Any) -> list[tuple[str, str, timedelta | None]]:
        monkeypatch.setenv("AIRFLOW__UPDRAFT__LINKS", json.dumps(option))
        return [(each.name, each.template, each.lifetime) for each in links.configured()]

    extra = [{"name": "Wiki", "url": "https://w"}]
    assert configured() == configured(pod=None, podMinutes=60, source="", extra=[]) == []
    assert configured(pod="https://p", podMinutes=0, source="https://s", extra=extra) == [
        ("Pod", "https://p", timedelta(0)),
        ("Source", "https://s", None),
        ("Wiki", "https://w", None),
    ]
    assert configured(pod="https://p", podMinutes=None) == [("Pod", "https://p", None)]
    assert configured(logs="/l", dashboard=None) == [("Logs", "/l", None)]
    assert configured(dashboard="/d") == [("Dashboard", "/d", None)]


def test_a_broken_option_is_told_and_airflow_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for broken in ("nonsense", '{"extra": [{}]}'):
        monkeypatch.setenv("AIRFLOW__UPDRAFT__LINKS", broken)
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            assert list(links.configured()) == []
        print(caplog.text)
        assert "[updraft] links" in caplog.text
