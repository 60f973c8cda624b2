"""A run waits for the newest commit of its DAG, and for what never comes no longer than needed."""

from __future__ import annotations

import dataclasses

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.arrival import Patience, wait_for_dag
from infra.cli.platform import Platform
from infra.errors import UpdraftError
from tests.unit.airflow_server import Answer, Server

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
    assert wait_for_dag(api, "nope", said.append, patience=Patience(ordinary=0.5)) == {
        "dag_id": "nope"
    }
    print(*said, sep="\n")
    assert len(said) == 2
    assert told in said[1]
    assert said[1].startswith("no nope so far: ")


def test_who_gives_a_dag_up_is_told_which_there_are(server: Server, api: AirflowApi) -> None:
    server.answers[ERRORS] = [broken("sales.py")]
    rows = [{"dag_id": "report"}, {"dag_id": "load"}]
    server.answers[DAGS] = [(200, {"dags": rows, "total_entries": 2})]
    with pytest.raises(UpdraftError, match=r"nope was not parsed within") as caught:
        wait_for_dag(api, "nope", print, patience=Patience(whole=0.1))
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
@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("before", [[], ["before"]])
def test_a_commit_that_breaks_every_dag_is_told_once_airflow_has_had_the_time_to_read_it(
    before: list[str], stale: bool, server: Server, api: AirflowApi
) -> None:
    _, row = of("v1")
    server.answers[UNKNOWN] = [(200, {**row, "is_stale": stale})]
    server.answers[DAGS] = [listing() if stale else listing(of("v1"))]
    first = [stamped(time) for time in before] or [broken()]
    server.answers[ERRORS] = [*first, stamped("now")]
    said: list[str] = []
    patience = Patience(ordinary=0.5, whole=30)
    with pytest.raises(UpdraftError, match="newest version of nope can't be imported") as caught:
        wait_for_dag(api, "nope", said.append, newest=lambda: "v2", patience=patience)
    print(*said, caught.value, sep="\n")
    assert caught.value.where == "nope.py: Traceback of now"
    assert ("Airflow would run" in caught.value.fix) is not stale


@pytest.mark.usefixtures("often")
def test_an_error_that_airflow_renews_before_it_can_have_read_the_newest_commit_is_not_of_that(
    server: Server, api: AirflowApi
) -> None:
    server.answers[UNKNOWN] = [of("v1")] * 3 + [of("v2")]
    server.answers[DAGS] = [listing(of("v1"))]
    server.answers[ERRORS] = [stamped(str(number)) for number in range(9)]
    assert wait_for_dag(api, "nope", print, newest=lambda: "v2") == of("v2")[1]


@pytest.mark.usefixtures("often")
def test_the_version_that_airflow_has_is_told_after_the_ordinary_wait(
    server: Server, api: AirflowApi
) -> None:
    server.answers[UNKNOWN] = [of("v1")] * 3 + [of("v2")]
    server.answers[DAGS] = [listing(of("v1"))]
    server.answers[ERRORS] = [broken()]
    said: list[str] = []
    patience = Patience(ordinary=0.5)
    wait_for_dag(api, "nope", said.append, newest=lambda: "v2", patience=patience)
    assert said[1:] == ["Airflow has nope of v1 still, and v2 is newer; waiting on"]


@pytest.mark.parametrize(("period", "seconds"), [("10s", 10), ("90s", 90), ("5m", 300)])
def test_what_may_be_wrong_is_told_after_git_sync_and_airflow_had_their_time(
    period: str, seconds: int, platform: Platform
) -> None:
    chosen = dataclasses.replace(platform.chosen, overrides={"dags": {"period": period}})
    settings = Platform(platform.paths, chosen).settings.dags
    patience = Patience.of_period(settings.period_seconds)
    print(patience)
    assert patience.ordinary == seconds + 30
    assert patience.whole > patience.ordinary + 60


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
