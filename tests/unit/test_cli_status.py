"""make status says what is wrong, and stays short however much there is."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from infra.cli import status
from infra.cli.airflow_api import AirflowApi, ApiError
from tests.unit.airflow_server import Server

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def printed(table: Table) -> list[str]:
    """The table's rows and its caption."""
    told = io.StringIO()
    Console(file=told, width=120).print(table)
    print(told.getvalue())
    return [line for line in told.getvalue().splitlines() if line.startswith(("│", " ", "and"))
            or line[:1].isdigit()]  # fmt: skip


def run(
    dag: str, number: int = 0, state: str = "success", due: str = "2026-01-31T11:00:00Z"
) -> Any:
    return {"dag_id": dag, "dag_run_id": f"r{number}", "state": state, "run_after": due}


def dag(name: str, *, paused: bool = False) -> Any:
    return {"dag_id": name, "is_paused": paused}


def pod(name: str, phase: str, reason: str = "") -> Any:
    waiting = {"waiting": {"reason": reason}} if reason else {}
    state = {"ready": phase == "Running", "restartCount": 0, "state": waiting}
    return {
        "metadata": {"name": name, "namespace": "tasks"},
        "spec": {"containers": [{}]},
        "status": {"phase": phase, "containerStatuses": [state]},
    }


def test_files_that_cant_be_parsed_are_named_with_the_end_of_their_errors() -> None:
    trace = "\n".join([*(f"frame {number}" for number in range(40)), "NameError: no x"])
    errors = [{"filename": f"broken_{number}.py", "stack_trace": trace} for number in range(8)]
    told = status.unparsed(errors)
    print("\n".join(told))
    assert told[0] == "8 DAG files can't be parsed:"
    assert told[1] == "  broken_0.py"
    assert told[status.TRACE + 1] == "    NameError: no x"
    assert len(told) == 2 + status.FILES * (1 + status.TRACE)
    assert told[-1].startswith("  and 3 more")
    assert status.unparsed([]) == ["every DAG file can be parsed"]
    assert status.unparsed(errors[:1])[0] == "1 DAG file can't be parsed:"


@pytest.mark.parametrize("fresh", [{}, {"status": {}}], ids=["no status", "empty status"])
def test_a_quota_that_is_not_counted_yet_is_no_error(fresh: Any) -> None:
    counted = {"status": {"hard": {"pods": "4", "limits.cpu": "2"}, "used": {"pods": "1"}}}
    assert status.used(fresh) == "not counted yet"
    assert status.used(counted) == "pods 1 of 4, limits.cpu 0 of 2"


def test_pods_in_trouble_come_first_and_what_is_left_out_is_counted() -> None:
    tasks = [pod(f"task-{number}", "Running") for number in range(90)]
    tasks += [pod(f"done-{number}", "Succeeded") for number in range(7)]
    tasks += [pod("stuck", "Pending", "ImagePullBackOff"), pod("failed", "Failed")]
    rows = printed(status.pods_table([pod("scheduler", "Running")], tasks))
    names = [row.split("│")[2].strip() for row in rows if row.startswith("│")]
    assert names[:3] == ["scheduler", "stuck", "failed"]
    assert len(names) == 1 + status.TASK_PODS
    assert rows[-1].strip() == (
        "82 more Running, 7 that have done their work and are kept for their logs"
    )


def test_the_newest_run_of_each_dag_is_shown_however_old(server: Server) -> None:
    crowd = [run("tick", number) for number in range(status.NEWEST)]
    old = [run("monthly", 7, "failed", "2025-12-01T00:00:00Z")]
    path = "GET /api/v2/dags/{}/dagRuns?order_by=-run_after&limit=3"
    server.answers[path.format("monthly")] = [(200, {"dag_runs": old})]
    server.answers[path.format("never")] = [(200, {"dag_runs": []})]
    dags, left = status.shown_dags([dag("monthly"), dag("never", paused=True), dag("tick")], crowd)
    assert [each["dag_id"] for each in dags] == ["tick", "monthly", "never"]
    assert left == 0
    found = status.newest_of(AirflowApi(server.address, "a", "b"), dags, crowd)
    rows = printed(status.dags_table(dags, found, left))
    assert rows[0].count("success") == status.OF_A_DAG
    assert "failed" in rows[1]
    assert " d ago" in rows[1]
    assert "never ran" in rows[2]


def test_no_dag_is_asked_where_all_runs_are_known(server: Server) -> None:
    found = status.newest_of(AirflowApi(server.address, "a", "b"), [dag("x"), dag("y")], [run("x")])
    assert {name: len(runs) for name, runs in found.items()} == {"x": 1, "y": 0}
    assert server.seen == []


def test_dags_that_are_left_out_are_counted() -> None:
    many = [dag(f"dag_{number:03}", paused=number % 2 == 0) for number in range(90)]
    dags, left = status.shown_dags(many, [run("dag_088")])
    assert (len(dags), left) == (status.DAGS, 90 - status.DAGS)
    assert [each["dag_id"] for each in dags[:3]] == ["dag_088", "dag_001", "dag_003"]
    rows = printed(status.dags_table(dags, {each["dag_id"]: [] for each in dags}, left))
    assert rows[-1].strip().startswith("and 70 more")


@pytest.mark.parametrize(
    ("due", "told"),
    [
        ("2026-01-31T11:59:30Z", "30 s ago"),
        ("2026-01-31T12:00:01Z", "0 s ago"),
        ("2026-01-31T11:00:01Z", "59 min ago"),
        ("2026-01-31T11:00:00Z", "1 h ago"),
        ("2026-01-29T11:00:00Z", "2 d ago"),
    ],
)
def test_an_age_is_told_in_one_unit(due: str, told: str) -> None:
    assert status.age(run("x", due=due), NOW) == told


def test_the_quota_is_told_by_what_is_taken() -> None:
    quota = {"status": {"hard": {"pods": "20", "requests.cpu": "4"}, "used": {"pods": "3"}}}
    assert status.used(quota) == "pods 3 of 20, requests.cpu 0 of 4"


@pytest.mark.parametrize(
    ("connection", "code", "told"),
    [(None, 404, 0), ("alerts", 200, 0), ("alerts", 404, 2)],
)
def test_a_connection_for_messages_that_is_not_there_is_told(
    connection: str | None, code: int, told: int, server: Server
) -> None:
    server.answers["GET /api/v2/connections/alerts"] = [(code, {})]
    lines = status.unheard(AirflowApi(server.address, "admin", "s3cret", patience=5), connection)
    print(lines)
    assert len(lines) == told
    assert not told or "there is no connection alerts" in lines[0]


def test_any_other_refusal_of_the_connection_is_an_error(server: Server) -> None:
    server.answers["GET /api/v2/connections/alerts"] = [(403, {"detail": "not you"})]
    with pytest.raises(ApiError, match="not you"):
        status.unheard(AirflowApi(server.address, "admin", "s3cret", patience=5), "alerts")
