"""Airflow's REST client against a real HTTP server that answers as Airflow does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.cli.airflow_api import CLASHES, AirflowApi, ApiError
from infra.cli.arrival import Patience, wait_for_dag
from infra.cli.instances import task_instance
from infra.errors import UpdraftError
from tests.unit.airflow_server import Answer, Server


@pytest.fixture
def api(server: Server) -> AirflowApi:
    return AirflowApi(server.address, "admin", "s3cret", patience=5)


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


UNKNOWN = "GET /api/v2/dags/nope"
ERRORS = "GET /api/v2/importErrors?limit=100&offset=0"
DAGS = "GET /api/v2/dags?exclude_stale=true&limit=100&offset=0"


def broken(*names: str) -> Answer:
    rows = [{"filename": name, "stack_trace": "Traceback\nKeyError: 'x'\n"} for name in names]
    return 200, {"import_errors": rows, "total_entries": len(rows)}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("sales.py", "more/nope.py"), "more/nope.py can't be imported: KeyError: 'x'"),
        (("sales.py",), "no file of that name is broken, but sales.py"),
        ((), "is the name right, and the file pushed?"),
    ],
)
def test_why_a_dag_may_be_unknown_is_told_while_it_waits(
    files: tuple[str, ...], told: str, server: Server, api: AirflowApi
) -> None:
    server.answers[UNKNOWN] = [(404, {}), (404, {}), (404, {}), (200, {"dag_id": "nope"})]
    server.answers[ERRORS] = [broken(*files)]
    said: list[str] = []
    assert wait_for_dag(api, "nope", said.append, patience=Patience(hint=0.5)) == {"dag_id": "nope"}
    print(*said, sep="\n")
    assert len(said) == 2
    assert told in said[1]
    assert said[1].startswith("no nope so far: ")


def test_the_row_of_a_file_that_has_gone_is_no_dag(server: Server, api: AirflowApi) -> None:
    row = {"dag_id": "nope"}
    server.answers[UNKNOWN] = [(200, {**row, "is_stale": True}), (200, {**row, "is_stale": False})]
    assert api.dag("nope") is None
    assert api.dag("nope") == {**row, "is_stale": False}


def test_who_gives_a_dag_up_is_told_which_there_are(server: Server, api: AirflowApi) -> None:
    server.answers[ERRORS] = [broken("sales.py")]
    rows = [{"dag_id": "report"}, {"dag_id": "load"}]
    server.answers[DAGS] = [(200, {"dags": rows, "total_entries": 2})]
    with pytest.raises(UpdraftError, match=r"nope was not parsed within") as caught:
        wait_for_dag(api, "nope", print, patience=Patience(0.1))
    print(caught.value)
    assert "sales.py: Traceback" in caught.value.where
    assert "the DAGs that there are: load, report" in caught.value.fix


def of(version: str, dag: str = "nope") -> tuple[int, dict[str, str]]:
    """A DAG's row at a commit."""
    row = {"dag_id": dag, "bundle_version": version, "relative_fileloc": f"{dag}.py"}
    return 200, row


def listing(*rows: tuple[int, dict[str, str]]) -> tuple[int, dict[str, object]]:
    return 200, {"dags": [row for _, row in rows], "total_entries": len(rows)}


def stamped(time: str) -> tuple[int, dict[str, object]]:
    """The error of nope.py, of a moment."""
    row = {"filename": "nope.py", "stack_trace": f"Traceback of {time}", "timestamp": time}
    return 200, {"import_errors": [row], "total_entries": 1}


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look around at each look."""
    monkeypatch.setattr("infra.cli.arrival.LOOK", 0)


@pytest.mark.usefixtures("often")
def test_a_dag_of_older_commits_is_waited_out(server: Server, api: AirflowApi) -> None:
    server.answers[UNKNOWN] = [of("v1"), of("v2"), of("v3")]
    server.answers[DAGS] = [listing(of("v1"))]
    said: list[str] = []
    assert wait_for_dag(api, "nope", said.append, newest=lambda: "v3") == of("v3")[1]
    assert said == ["waiting for git-sync and the DAG processor to find nope of v3"]


@pytest.mark.usefixtures("often")
def test_a_dag_of_a_commit_that_others_pushed_meanwhile_has_arrived(
    server: Server, api: AirflowApi
) -> None:
    server.answers[UNKNOWN] = [of("v1"), of("theirs")]
    server.answers[DAGS] = [listing(of("v1"))]
    commits = ["ours", "theirs"]
    found = wait_for_dag(api, "nope", print, newest=lambda: commits.pop(0))
    assert found == of("theirs")[1]


@pytest.mark.usefixtures("often")
def test_a_dag_whose_newest_version_is_broken_does_not_run_as_the_one_before(
    server: Server, api: AirflowApi
) -> None:
    server.answers[UNKNOWN] = [of("v1")]
    server.answers[DAGS] = [listing(of("v1")), listing(of("v1"), of("v2", "report"))]
    server.answers[ERRORS] = [(200, {"import_errors": [], "total_entries": 0}), stamped("now")]
    with pytest.raises(UpdraftError, match="newest version of nope can't be imported") as caught:
        wait_for_dag(api, "nope", print, newest=lambda: "v2")
    print(caught.value)
    assert caught.value.where == "nope.py: Traceback of now"


@pytest.mark.usefixtures("often")
def test_the_error_of_the_version_before_is_not_that_of_the_one_that_mends_it(
    server: Server, api: AirflowApi
) -> None:
    server.answers[UNKNOWN] = [of("v1"), of("v1"), of("v1"), of("v3")]
    server.answers[DAGS] = [listing(of("v1")), listing(of("v1"), of("v3", "report"))]
    server.answers[ERRORS] = [stamped("before")]
    assert wait_for_dag(api, "nope", print, newest=lambda: "v3") == of("v3")[1]


@pytest.mark.usefixtures("often")
def test_a_mistyped_dag_is_refused_once_all_of_the_commit_are_there(
    server: Server, api: AirflowApi
) -> None:
    rows = (of("new", "report"), of("new", "nopes"))
    server.answers[ERRORS] = [broken()]
    server.answers[DAGS] = [listing(of("old", "report"), rows[1]), listing(*rows)]
    patience = Patience(missing=0.5)
    with pytest.raises(UpdraftError, match="there is no DAG nope of new") as caught:
        wait_for_dag(api, "nope", print, newest=lambda: "new", patience=patience)
    print(caught.value)
    assert caught.value.fix.startswith("is nopes meant? the DAGs that there are: nopes, report")


def test_where_the_newest_commit_is_not_known_any_will_do(server: Server, api: AirflowApi) -> None:
    server.answers[UNKNOWN] = [of("v1")]
    assert wait_for_dag(api, "nope", print, newest=lambda: "") == of("v1")[1]
