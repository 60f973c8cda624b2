"""Airflow's REST client against a real HTTP server that answers as Airflow does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.cli.airflow_api import CLASHES, AirflowApi, ApiError
from infra.cli.instances import task_instance
from tests.unit.airflow_server import Answer, Server


def test_it_logs_in_once_and_sends_the_token(server: Server, api: AirflowApi) -> None:
    server.answers["GET /api/v2/dags/a"] = [(200, {"dag_id": "a"})]
    assert api.dag("a") == {"dag_id": "a"}
    assert api.dag("a") == {"dag_id": "a"}
    logins = [body for call, body, _ in server.seen if call == "POST /auth/token"]
    assert logins == [{"username": "admin", "password": "s3cret"}]
    assert [token for call, _, token in server.seen if "dags" in call] == ["Bearer t1"] * 2


def test_an_outdated_token_is_renewed(server: Server, api: AirflowApi) -> None:
    server.answers["GET /api/v2/dags/a"] = [(401, {"detail": "expired"}), (200, {"dag_id": "a"})]
    assert api.dag("a") == {"dag_id": "a"}
    assert sum(call == "POST /auth/token" for call, _, _ in server.seen) == 2


def test_a_passing_error_is_tried_again(server: Server, api: AirflowApi) -> None:
    server.answers["GET /api/v2/dags/a"] = [(503, {}), (200, {"dag_id": "a"})]
    assert api.dag("a") == {"dag_id": "a"}


def test_a_dag_that_is_not_there_is_none_and_any_other_refusal_is_told(
    server: Server, api: AirflowApi
) -> None:
    assert api.dag("none") is None
    server.answers["GET /api/v2/dags/b"] = [(403, {"detail": "Forbidden for you"})]
    with pytest.raises(ApiError, match=r"403 .*Forbidden for you") as caught:
        api.dag("b")
    assert caught.value.status == 403
    assert "/api/v2/dags/b" in str(caught.value)
    assert "s3cret" not in repr(api) + str(caught.value)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_run_that_may_have_begun_is_not_begun_again(
    status: int, server: Server, api: AirflowApi
) -> None:
    path = "POST /api/v2/dags/a/dagRuns"
    server.answers[path] = [(status, {"detail": "broken"}), (200, {"dag_run_id": "r"})]
    with pytest.raises(ApiError, match=str(status)):
        api.trigger("a", {"items": 3})
    begun = [body for call, body, _ in server.seen if call == path]
    assert [body["conf"] for body in begun] == [{"items": 3}]


def test_a_run_has_the_logical_date_that_is_given_or_now(server: Server, api: AirflowApi) -> None:
    path = "POST /api/v2/dags/a/dagRuns"
    server.answers[path] = [(200, {"dag_run_id": "r"})]
    before = datetime.now(UTC)
    given = datetime(2026, 1, 31, tzinfo=UTC)
    api.trigger("a")
    api.trigger("a", logical_date=given)
    api.trigger("a", logical_date=None)
    sent = [body["logical_date"] for call, body, _ in server.seen if call == path]
    print(sent)
    assert before <= datetime.fromisoformat(sent[0]) <= datetime.now(UTC)
    assert sent[1:] == ["2026-01-31T00:00:00+00:00", None]


def test_a_clash_of_two_moments_is_tried_again_and_that_of_a_given_date_is_told(
    server: Server, api: AirflowApi
) -> None:
    path = "POST /api/v2/dags/a/dagRuns"
    clash: Answer = (409, {"detail": {"reason": "Unique constraint violation"}})
    server.answers[path] = [clash, (200, {"dag_run_id": "r"})]
    assert api.trigger("a") == "r"
    sent = [body["logical_date"] for call, body, _ in server.seen if call == path]
    assert len(set(sent)) == 2
    server.answers[path] = [clash]
    with pytest.raises(ApiError, match="has a run of the logical date 2026-01-31") as caught:
        api.trigger("a", logical_date=datetime(2026, 1, 31, tzinfo=UTC))
    assert "LOGICAL_DATE" in str(caught.value)
    assert sum(call == path for call, _, _ in server.seen) == 3
    with pytest.raises(ApiError, match="already"):
        api.trigger("a")
    assert sum(call == path for call, _, _ in server.seen) == 3 + CLASHES


def test_a_conflict_without_a_logical_date_is_told_in_the_apis_own_words(
    server: Server, api: AirflowApi
) -> None:
    path = "POST /api/v2/dags/a/dagRuns"
    server.answers[path] = [(409, {"detail": {"reason": "Unique constraint violation"}})]
    with pytest.raises(ApiError, match=r"409 .*Unique constraint violation") as caught:
        api.trigger("a", logical_date=None)
    print(caught.value)
    assert "logical date" not in str(caught.value)
    assert sum(call == path for call, _, _ in server.seen) == 1


def test_listings_are_read_to_their_end(server: Server, api: AirflowApi) -> None:
    row = {"task_id": "t", "state": "success", "try_number": 1}
    rows = [{**row, "map_index": index} for index in range(130)]
    path = "GET /api/v2/dags/a/dagRuns/r%2B1/taskInstances?limit=100&offset="
    for offset in (0, 100):
        page = {"task_instances": rows[offset : offset + 100], "total_entries": 130}
        server.answers[f"{path}{offset}"] = [(200, page)]
    assert len(api.task_instances("a", "r+1")) == 130


def test_no_server_is_told_with_the_way_out() -> None:
    api = AirflowApi("http://127.0.0.1:9", "admin", "x", patience=0)
    with pytest.raises(ApiError, match="does not answer") as caught:
        api.dags()
    assert "make up" in str(caught.value)


def test_queued_and_run_seconds_come_from_the_times() -> None:
    found = task_instance(
        {
            "task_id": "t",
            "map_index": 3,
            "state": "success",
            "try_number": 1,
            "scheduled_when": "2026-01-01T00:00:00Z",
            "queued_when": "2026-01-01T00:00:01Z",
            "start_date": "2026-01-01T00:00:04.5Z",
            "end_date": "2026-01-01T00:00:06Z",
        }
    )
    assert (found.seconds_queued, found.seconds_run) == (4.5, 1.5)


def test_the_row_of_a_file_that_has_gone_is_no_dag(server: Server, api: AirflowApi) -> None:
    path = "GET /api/v2/dags/nope"
    row = {"dag_id": "nope"}
    server.answers[path] = [(200, {**row, "is_stale": True}), (200, {**row, "is_stale": False})]
    assert api.dag("nope") is None
    assert api.dag("nope") == {**row, "is_stale": False}
