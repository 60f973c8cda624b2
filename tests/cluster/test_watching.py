"""What watches the platform sees it, keeps every line, and costs little."""

from __future__ import annotations

import json
import re
from collections import defaultdict

import pytest

from infra.cli.airflow_api import AirflowApi, quote
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from infra.values import names
from infra.values.monitoring.options import options
from monitoring import dashboards
from tests.cluster import support
from tests.cluster.watching import Watch, chatted
from tests.waiting import wait_for

# Pods of the fan-out that is looked at: enough for rightsize to be sure, and many.
ENOUGH, MANY = 25, 100
LINES = 100
JOBS = {
    "airflow-exporter", "alertmanager", "collector", "kube-state-metrics", "kubelet", "loki",
    "prometheus", "statsd-exporter",
}  # fmt: skip
MOST_STREAMS = 60
MOST_CORES = 0.15
IDS = ("dag_id", "task_id", "map_index", "try_number")


def test_every_target_answers(watch: Watch) -> None:
    def all_up() -> set[str]:
        answers = watch.query("min by (job) (up)")
        found = {each["metric"]["job"]: each["value"][1] for each in answers}
        return set(found) if set(found.values()) == {"1"} and set(found) >= JOBS else set()

    assert wait_for(all_up, 90, "every target to answer") == JOBS


def test_every_rule_is_evaluated(watch: Watch) -> None:
    groups = watch.get(names.PROMETHEUS, "/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    faults = {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")}
    print(f"{len(rules)} rules in {len(groups)} groups; {faults}")
    assert len(rules) > 100
    assert not faults


@pytest.mark.slow(group="wide")
def test_idle_watching_costs_little(platform: Platform, watch: Watch) -> None:
    support.settle(platform)
    space = platform.settings.namespaces.monitoring
    exporter = 'namespace="airflow", container="airflow-exporter"'
    used = f'container_cpu_usage_seconds_total{{namespace="{space}", container!=""}}'
    cores = (
        f"sum(rate({used}[2m])) + sum(rate(container_cpu_usage_seconds_total{{{exporter}}}[2m]))"
    )

    def little() -> float:
        found = watch.value(cores) or MOST_CORES
        return found if found < MOST_CORES else 0

    found = wait_for(little, 300, f"less than {MOST_CORES} cores of what watches")
    for each in watch.query(f"sort_desc(sum by (container) (rate({used}[2m])))"):
        print(each["metric"]["container"], each["value"][1])
    print(f"{found:.3f} cores in all")


@pytest.fixture(
    scope="module", params=[ENOUGH, pytest.param(MANY, marks=pytest.mark.slow(group="wide"))]
)
def pods(request: pytest.FixtureRequest) -> int:
    """How many pods talk."""
    number: int = request.param
    return number


@pytest.fixture(scope="module")
def talked(platform: Platform, api: AirflowApi, pushed: None, pods: int) -> RunReport:
    """A run of so many short pods, all of which are gone again."""
    del pushed
    report = support.run(platform, api, "chatty", pods=pods, lines=LINES)
    assert report.state == "success", report.counts()
    gone = {pod.name for pod in report.pods.values()}
    where = ("-n", platform.tasks_namespace, "--wait=true")
    platform.kubectl.run("delete", "pod", *sorted(gone), *where, timeout=300)
    return report


def test_every_line_of_every_pod_is_kept_in_order_with_its_ids(
    watch: Watch, talked: RunReport, pods: int
) -> None:
    selector = chatted(talked.run_id)
    wait_for(lambda: watch.count(selector) >= pods * LINES, 120, "every line in Loki")
    seen: dict[str, list[tuple[int, int]]] = defaultdict(list)
    ids = defaultdict(set)
    for moment, line, labels in watch.labelled_lines(selector):
        match = re.search(r"chatty (\d+):(\d+)", line)
        assert match, line
        seen[match[1]].append((moment, int(match[2])))
        ids[match[1]].add(tuple(labels.get(name) for name in IDS))
    print(f"{sum(map(len, seen.values()))} lines of {len(seen)} pods; ids such as {ids['7']}")
    assert len(seen) == pods
    for pod, lines in seen.items():
        assert [number for _, number in sorted(lines)] == list(range(LINES)), f"pod {pod}"
        assert ids[pod] == {("chatty", "talk", pod, "1")}


def test_the_ui_shows_the_log_of_a_pod_that_is_gone(
    platform: Platform, api: AirflowApi, talked: RunReport, pods: int
) -> None:
    items = platform.kubectl.items("pods", "-n", platform.tasks_namespace)
    left = {item["metadata"]["name"] for item in items}
    assert not left & {pod.name for pod in talked.pods.values()}, "the pods are still there"
    for index in (0, pods // 2, pods - 1):
        path = f"dags/chatty/dagRuns/{quote(talked.run_id)}/taskInstances/talk/logs/1"
        answer = api.call("GET", f"{path}?map_index={index}")
        events = [str(each.get("event")) for each in answer["content"]]
        told = [event for event in events if event.startswith("chatty ")]
        print(f"{index}: {len(events)} events, such as {events[:2]}")
        assert told == [f"chatty {index}:{line}" for line in range(LINES)]


def test_make_logs_prints_what_the_pods_of_a_run_said_that_are_gone(
    talked: RunReport, pods: int
) -> None:
    told = support.command("logs", DAG=talked.dag_id)
    headers = re.findall(r"^=== (\S+), try 1, pod \S+ \(gone; from Loki\): success$", told, re.M)
    assert headers == ["count", *(f"talk[{pod}]" for pod in range(pods))]
    said = re.findall(r"chatty (\d+):(\d+)", told)
    print(f"{len(headers)} tries, {len(said)} lines")
    expected = [(str(pod), str(line)) for pod in range(pods) for line in range(LINES)]
    assert said == expected


def test_streams_are_few_however_many_pods_there_were(watch: Watch, talked: RunReport) -> None:
    del talked
    count = watch.streams()
    print(f"{count} streams")
    assert 5 < count <= MOST_STREAMS


def test_each_dashboards_query_finds_something(watch: Watch, talked: RunReport) -> None:
    """But for those that a fault alone fills."""
    del talked
    chosen = options(watch.platform.settings)
    empty = {}
    asked = [each for each in dashboards.queries(chosen) if each.only_on_failure is None]
    for query in asked:
        if not watch.finds(query):
            empty[f"{query.dashboard}: {query.panel}"] = query.expr
    print(f"{len(asked)} queries", json.dumps(empty, indent=1))
    assert len(asked) > 80
    assert not empty


@pytest.mark.usefixtures("talked")
def test_rightsize_tells_what_the_pods_took(pods: int) -> None:
    told = support.command("rightsize", FORMAT="json", DAG="chatty")
    found, _ = json.JSONDecoder().raw_decode(told[told.index("{") :])
    [talk] = [each for each in found["tasks"] if each["task_id"] == "talk"]
    print(talk)
    assert talk["tries"] >= pods
    assert talk["sure"]
