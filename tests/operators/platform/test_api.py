"""What the page's server answers, asked in this process, from real servers and a real database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra import versions
from monitoring.options import Options
from monitoring.rules import recording
from tests.operators.platform import dags, samples
from tests.operators.platform.servers import Prometheus
from tests.render.apiserver import free_ports
from updraft.testing.results import RunResult

PROMETHEUS_PANELS = ("quota", "waiting", "pods", "start", "throughput", "cost")
TASK = {"dag_id": "billing", "task_id": "bill"}


@dataclass(frozen=True)
class Page:
    """The page's server, and users' tokens."""

    client: Any
    tokens: dict[str, str]

    def ask(self, name: str, user: str = "admin", **query: str | int) -> Any:
        """Return what a panel answers to a user."""
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        answer = self.client.get(f"/platform/api/{name}", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def page(own_airflow: None) -> Iterator[Page]:  # noqa: ARG001 -- before
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "of-this-test-and-long-enough-for-it" * 2)
        from airflow.api_fastapi import app as airflow  # noqa: PLC0415 -- heavy
        from airflow.api_fastapi.auth.managers.simple.user import (  # noqa: PLC0415 -- heavy
            SimpleAuthManagerUser,
        )
        from fastapi import FastAPI  # noqa: PLC0415 -- heavy
        from fastapi.testclient import TestClient  # noqa: PLC0415 -- heavy

        from updraft.platform import entry  # noqa: PLC0415 -- as above
        from updraft.testing.metadata import session  # noqa: PLC0415 -- as above

        with session():
            """Make the database."""
        manager = airflow.create_auth_manager()
        users = {"admin": "ADMIN", "viewer": "VIEWER", "nobody": None}
        tokens = {
            name: manager.generate_jwt(SimpleAuthManagerUser(username=name, role=role))
            for name, role in users.items()
        }
        app = FastAPI()
        for each in entry.apps():
            app.mount(each["url_prefix"], each["app"])
        with TestClient(app) as client:
            yield Page(client, tokens)


@pytest.fixture(autouse=True)
def servers_known(
    prometheus: Prometheus, alertmanager: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__UPDRAFT__PROMETHEUS_URL", prometheus.url)
    monkeypatch.setenv("AIRFLOW__UPDRAFT__ALERTMANAGER_URL", alertmanager)
    monkeypatch.setenv("AIRFLOW__UPDRAFT__VERSION", versions.UPDRAFT)
    monkeypatch.setenv("AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE", "airflow-tasks")


@pytest.fixture(scope="module")
def runs(page: Page) -> dict[str, RunResult]:  # noqa: ARG001 -- before
    from updraft.testing import running  # noqa: PLC0415 -- imports Airflow

    return {each: running.run_dag(dags.make(each)) for each in dags.KNOWN}


def statistics(answer: Any) -> dict[str, tuple[float, float | None, str]]:
    return {each["label"]: (each["value"], each["of"], each["unit"]) for each in answer["stats"]}


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("range_name", ["1h", "6h", "24h", "7d", "30d"])
def test_every_panel_has_data_in_every_range_in_a_bounded_number_of_points(
    page: Page, range_name: str
) -> None:
    for name in ("control", "alerts", *PROMETHEUS_PANELS, "failures"):
        answer = page.ask(name, range=range_name)
        assert answer["status"] == "ok", (name, answer)
        for series in answer.get("series", ()):
            print(range_name, name, series["name"], len(series["points"]), series["last"])
            assert 2 <= len(series["points"]) <= 361
            assert any(value is not None for _, value in series["points"])
    for name in ("task", "task-cpu", "task-memory"):
        assert page.ask(name, range=range_name, **TASK)["status"] == "ok", name


def test_the_names_that_it_asks_for_are_recorded(page: Page, prometheus: Prometheus) -> None:
    for name in (*PROMETHEUS_PANELS, "task-cpu", "task-memory"):
        page.ask(name, **TASK)
    recorded = {rule.name for group in recording.groups(Options()) for rule in group.rules}
    # Of the exporter that reads Airflow's database.
    recorded |= {"updraft_task_instances", "updraft_oldest_queued_seconds"}
    asked = {name for query in prometheus.asked() for name in re.findall(r"updraft[\w:]+", query)}
    print(sorted(asked))
    assert len(asked) >= 12
    assert asked - recorded == set()
    # And so the samples are of names that exist.
    assert {each.name for each in samples.day().series} - recorded == set()


def test_quota_is_of_the_task_pods_alone(page: Page) -> None:
    answer = page.ask("quota")
    found = statistics(answer)
    print(found)
    assert found["pods"][1:] == (40, "pods")
    assert found["memory limit"][1:] == (48 * samples.GIB, "bytes")
    assert [each["name"] for each in answer["series"]] == list(found)
    assert 0.8 < max(value for _, value in answer["series"][0]["points"] if value) <= 0.92


def test_percentiles_are_those_of_the_distribution(page: Page) -> None:
    answer = page.ask("start")
    found = statistics(answer)
    print(found)
    assert answer["objective"] == 30
    assert found["p50"][0] < 5 < found["p90"][0] < found["p99"][0] < 300
    for number, stat in ((50, "p50"), (90, "p90"), (99, "p99")):
        bounds = [float(each) for each in samples.BOUNDS]
        place = next(place for place, each in enumerate(bounds) if each >= found[stat][0])
        assert share_within(place - 1) <= number / 100 <= share_within(place)
    assert found["within 30 s"][0] == pytest.approx(share_within(5), abs=0.002)


def share_within(place: int) -> float:
    """The share of the day's tasks that start within one of the bounds."""
    if place < 0:
        return 0.0
    moments = [each / 1440 for each in range(1441)]
    soon, every = (samples.started_within(each) for each in (place, len(samples.BOUNDS) - 1))
    return sum(map(soon, moments)) / sum(map(every, moments))


def test_another_objective_is_asked_for_by_its_own_bucket(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__UPDRAFT__TASK_START_SECONDS", "5")
    found = statistics(page.ask("start"))
    print(found)
    assert found["within 5 s"][0] == pytest.approx(share_within(2), abs=0.002)


@pytest.mark.usefixtures("runs")
def test_cost_is_of_the_whole_range_and_of_the_better_way(page: Page) -> None:
    answer = page.ask("cost")
    dags_ = {row["name"]: row["amount"] for row in answer["rows"] if row["kind"] == "dag"}
    print(answer)
    # Nobody here knows the DAG payroll, and so nobody may read it.
    assert dags_.keys() == {"shop_nightly", "warehouse", "billing"}
    assert dags_["shop_nightly"] == pytest.approx(12.5, rel=0.02)
    assert answer["hidden"] == 1
    assert [row for row in answer["rows"] if row["kind"] == "team"] == []
    assert answer["currency"] == "USD"
    assert statistics(answer)["all together"][0] == pytest.approx(23.75, rel=0.02)


@pytest.mark.usefixtures("runs")
def test_teams_are_told_to_who_may_read_every_dag(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    from updraft.platform import cost  # noqa: PLC0415 -- imports Airflow
    from updraft.platform.access import Viewer  # noqa: PLC0415 -- as above

    async def dags_of(_: Viewer) -> frozenset[str]:
        return frozenset(samples.COSTS)

    monkeypatch.setattr(Viewer, "dags", dags_of)
    monkeypatch.setattr(cost, "SHOWN", 2)
    rows = page.ask("cost")["rows"]
    print(rows)
    assert [(row["kind"], row["name"]) for row in rows] == [
        ("dag", "shop_nightly"), ("dag", "warehouse"), ("others", "2 others"),
        ("team", "shop"), ("team", "finance"),
    ]  # fmt: skip
    assert rows[2]["amount"] == pytest.approx(7.0, rel=0.02)
    assert rows[3]["amount"] == pytest.approx(19.75, rel=0.02)


def test_failures_come_newest_first_by_pages_each_with_its_log(
    page: Page, runs: dict[str, RunResult]
) -> None:
    print({name: run.state for name, run in runs.items()})
    first, second, third = (page.ask("failures", range="1h", page=each) for each in range(3))
    assert first["total"] >= dags.WIDTH + 1
    assert len(first["rows"]) == first["page_size"] < first["total"]
    rows = [*first["rows"], *second["rows"], *third["rows"]]
    assert len({json.dumps(row) for row in rows}) == len(rows)
    ended = [row["ended"] for row in rows]
    assert ended == sorted(ended, reverse=True)
    # Other tests of this process may have left failures of their own.
    rows = [row for row in rows if row["dag_id"] in dags.KNOWN]
    (bill,) = [row for row in rows if row["task_id"] == "bill"]
    assert bill["try"] == 2
    assert re.fullmatch(r"dags/billing/runs/manual__[^/+:]+/tasks/bill\?try_number=2", bill["log"])
    loads = {row["map_index"] for row in rows if row["task_id"] == "load"}
    assert loads == set(range(dags.WIDTH))
    assert all("/tasks/load/mapped/" in row["log"] for row in rows if row["task_id"] == "load")


@pytest.mark.usefixtures("runs")
def test_a_task_has_all_its_tries(page: Page) -> None:
    rows = page.ask("task", **TASK)["rows"]
    print(rows)
    assert [(row["try"], row["state"]) for row in rows] == [(2, "failed"), (1, "failed")]
    assert all(row["started"] <= row["ended"] for row in rows)
    run_id = rows[0]["run_id"]
    assert page.ask("task", **TASK, run_id=run_id, map_index=-1)["rows"] == rows
    assert page.ask("task", **TASK, run_id="another")["status"] == "empty"


@pytest.mark.usefixtures("runs")
def test_a_task_shows_what_it_used_and_asked_for(page: Page) -> None:
    cpu, memory = (page.ask(f"task-{name}", **TASK) for name in ("cpu", "memory"))
    print(statistics(cpu), statistics(memory))
    assert [each["name"] for each in cpu["series"]] == ["used", "requested"]
    assert statistics(cpu)["most requested"] == (2, None, "cores")
    assert statistics(memory)["most requested"] == (2 * samples.GIB, None, "bytes")
    assert page.ask("task-cpu", dag_id="warehouse", task_id='a"} or vector(1) #') == {
        "status": "empty", "series": [], "stats": [],
    }  # fmt: skip


@pytest.mark.usefixtures("runs")
def test_alerts_are_the_gravest_first_and_links_are_links(page: Page) -> None:
    answer = page.ask("alerts")
    print(answer)
    assert [row["name"] for row in answer["rows"]] == ["TaskFailures", "QuotaNearlyFull"]
    assert answer["watchdog"]
    assert answer["hidden"] == 1  # of the DAG payroll
    assert [row["runbook"] for row in answer["rows"]] == [
        "https://books.example.com/TaskFailures.md",
        "runbooks/AirflowQuotaNearlyFull.md",
    ]
    assert statistics(answer) == {"critical": (1, None, "alerts"), "warning": (1, None, "alerts")}


def test_what_is_no_web_address_becomes_no_link() -> None:
    from updraft.platform import alerts  # noqa: PLC0415 -- imports Airflow

    alert = {
        "labels": {}, "annotations": {"runbook_url": "javascript:alert(1)"},
        "startsAt": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    row = alerts._row(alert)
    print(row)
    assert row["runbook"] == ""
    assert (row["severity"], row["since"]) == ("none", 1767225600000)


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("name", PROMETHEUS_PANELS)
def test_a_prometheus_that_is_down_is_told_by_each_panel(
    page: Page, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    monkeypatch.setenv("AIRFLOW__UPDRAFT__PROMETHEUS_URL", url)
    answer = page.ask(name)
    print(answer)
    assert answer["status"] == "failed"
    assert answer["reason"].startswith("Prometheus does not answer: ")
    assert answer["where"] == url
    assert "prometheus_url" in answer["fix"]


def test_other_faults_of_servers_are_told_too(
    page: Page, alertmanager: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(option: str, value: str, panel: str) -> str:
        with monkeypatch.context() as patch:
            patch.setenv(f"AIRFLOW__UPDRAFT__{option}", value)
            answer = page.ask(panel)
        print(answer)
        assert answer["status"] == "failed"
        return str(answer["reason"])

    assert told("PROMETHEUS_URL", "", "quota") == "no Prometheus is known"
    assert "HTTP 404" in told("PROMETHEUS_URL", alertmanager, "quota")
    assert "does not answer" in told("ALERTMANAGER_URL", "http://127.0.0.1:1", "alerts")
    assert "HTTP 404" in told("ALERTMANAGER_URL", f"{alertmanager}/elsewhere", "alerts")
    assert (
        told("TASK_START_SECONDS", "soon", "start") == "the page itself failed to make this panel"
    )


def test_a_page_in_place_of_json_is_told(
    page: Page, make_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__UPDRAFT__PROMETHEUS_URL", make_page)
    answer = page.ask("quota")
    print(answer)
    assert "is not JSON" in answer["reason"]


@pytest.fixture
def make_page() -> Iterator[str]:
    """A server that answers everything with a page, as a proxy's login does."""
    import http.server  # noqa: PLC0415 -- of this fixture alone
    import threading  # noqa: PLC0415 -- as above

    class Login(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Log in</html>")

    with http.server.HTTPServer(("127.0.0.1", 0), Login) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_fifty_viewers_ask_prometheus_once(
    page: Page, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from updraft.platform import servers  # noqa: PLC0415 -- imports Airflow
    from updraft.platform.cache import Cache  # noqa: PLC0415 -- as above
    from updraft.platform.ranges import Range  # noqa: PLC0415 -- as above

    moment = Range.of("6h")
    monkeypatch.setattr(Range, "of", classmethod(lambda *_: moment))
    # Longer than this test: how long it is, another test says.
    monkeypatch.setattr(servers, "_answers", Cache(60.0))
    before = len(prometheus.asked())
    answers = [page.ask("pods", range="6h") for _ in range(50)]
    made = len(prometheus.asked()) - before
    print(f"{made} questions for {len(answers)} viewers")
    assert made == 1
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("path", ["api/session", "api/quota", "api/failures"])
def test_who_is_not_logged_in_gets_nothing(page: Page, path: str) -> None:
    answer = page.client.get(f"/platform/{path}")
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}
    forged = page.client.get(f"/platform/{path}", headers={"Authorization": "Bearer nonsense"})
    assert forged.status_code == 403


def test_the_page_sends_who_is_not_logged_in_to_the_login_and_back(page: Page) -> None:
    answer = page.client.get("/platform/?dag_id=a&task_id=b", follow_redirects=False)
    print(answer.headers)
    assert answer.status_code == 302
    assert answer.headers["location"].endswith("?next=%2Fplatform%2F%3Fdag_id%3Da%26task_id%3Db")
    headers = {"Authorization": f"Bearer {page.tokens['viewer']}"}
    shown = page.client.get("/platform/", headers=headers)
    assert shown.status_code == 200
    assert "<title>Platform</title>" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy


@pytest.mark.usefixtures("runs")
def test_a_viewer_sees_everything_and_a_user_without_rights_nothing(page: Page) -> None:
    session = page.ask("session", "viewer")
    assert (session["platform"], session["version"]) == (True, versions.UPDRAFT)
    assert page.ask("quota", "viewer")["status"] == "ok"
    session = page.ask("session", "nobody")
    assert (session["platform"], session["dags"], session["user"]) == (False, 0, "nobody")
    for name in ("control", "alerts", *PROMETHEUS_PANELS, "failures"):
        answer = page.ask(name, "nobody")
        print(name, answer)
        assert answer["status"] == "denied"
        assert "permission" in answer["where"]
        assert not answer.keys() & {"rows", "series", "stats"}
    for name in ("task", "task-cpu", "task-memory"):
        assert page.ask(name, "nobody", **TASK)["status"] == "denied"
        assert page.ask(name, dag_id="payroll", task_id="pay")["status"] == "denied"


@pytest.mark.parametrize(
    "query", [{"range": "1y"}, {"page": "-1"}, {"dag_id": "x" * 251}, {"map_index": "x"}]
)
def test_a_question_that_makes_no_sense_is_refused(page: Page, query: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {page.tokens['admin']}"}
    answer = page.client.get("/platform/api/failures", params=query, headers=headers)
    assert answer.status_code == 422
    assert page.client.get("/platform/api/nonesuch", headers=headers).status_code == 422


def test_an_answer_is_shared_for_a_while_then_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import asyncio  # noqa: PLC0415 -- of this test alone
    import time  # noqa: PLC0415 -- as above

    from updraft.platform import servers  # noqa: PLC0415 -- imports Airflow
    from updraft.platform.cache import Cache  # noqa: PLC0415 -- as above

    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    asked: list[float] = []

    async def ask() -> int:
        asked.append(now)
        if len(asked) == 2:
            raise ValueError("of the second time")
        return len(asked)

    async def check() -> None:
        nonlocal now
        cache: Cache[int] = Cache(servers.SHARED)
        assert await asyncio.gather(*(cache.get("key", ask) for _ in range(50))) == [1] * 50
        now += servers.SHARED
        assert await cache.get("key", ask) == 1
        now += 0.1
        failed = await asyncio.gather(
            *(cache.get("key", ask) for _ in range(3)), return_exceptions=True
        )
        assert [str(each) for each in failed] == ["of the second time"] * 3
        now += servers.SHARED + 0.1
        assert await cache.get("key", ask) == 3
        assert len(cache._asked) == 1

    asyncio.new_event_loop().run_until_complete(check())
    assert len(asked) == 3


def test_the_entry_in_the_navigation_follows_the_address_of_the_ui(
    monkeypatch: pytest.MonkeyPatch, plugin: Callable[[], Any]
) -> None:
    assert plugin()["href"] == "/platform/"
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://data.example.com/airflow/")
    assert plugin() == {
        "name": "Platform", "href": "/airflow/platform/", "destination": "nav",
        "url_route": "platform", "nav_top_level": True,
    }  # fmt: skip


@pytest.fixture
def plugin(own_airflow: None) -> Callable[[], Any]:  # noqa: ARG001 -- before
    from updraft.platform import entry  # noqa: PLC0415 -- imports Airflow

    return lambda: entry.views()[0]
