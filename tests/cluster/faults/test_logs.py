"""Logs survive what happens to Loki and the collector, and what is lost fires an alert."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from typing import Any

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from infra.values import names
from infra.values.monitoring.options import address
from monitoring import collector, ports
from tests.cluster import objects, support
from tests.cluster.faults import causes
from tests.cluster.watching import Watch, chatted, scaled_down
from tests.waiting import wait_for

LOKI = f"deployment/{names.LOKI}"
COLLECTOR = f"daemonset/{names.COLLECTOR}"
OUTAGE_SECONDS = 300
PODS, LINES = 10, 100
MANY_PODS, MANY_LINES = 2, 10_000
BRIEF = 12
PUSH = """
import json, time, urllib.error, urllib.request

def push(moment):
    values = [[str(moment), "of the tests"]]
    body = json.dumps({{"streams": [{{"stream": {{"job": "tests"}}, "values": values}}]}})
    headers = {{"Content-Type": "application/json"}}
    request = urllib.request.Request("{address}/loki/api/v1/push", body.encode(), headers)
    try:
        print(urllib.request.urlopen(request).status)
    except urllib.error.HTTPError as error:
        print(error.code)

"""
# A line of now, and one of the day before yesterday: its stream is far ahead of it.
ONE_IS_OLD = """
push(time.time_ns())
push(time.time_ns() - 2 * 24 * 3600 * 10**9)
"""
# Its ingester leaves, as in a shutdown that hangs; until it is not ready any more, people ask.
ASKS = 15
LEAVES = f"""
leave = "{{address}}/ingester/shutdown?terminate=false"
print(urllib.request.urlopen(urllib.request.Request(leave, b"")).status)
for _ in range({ASKS}):
    push(time.time_ns())
    time.sleep(1)
"""
# Refuses everything, as a gateway does whose password has run out.
GATEWAY = f"""
from http.server import BaseHTTPRequestHandler, HTTPServer

class Gateway(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass

HTTPServer(("", {ports.HTTP[names.LOKI]}), Gateway).serve_forever()
"""


pytestmark = [pytest.mark.slow(group="logs"), pytest.mark.usefixtures("listener")]


@pytest.fixture
def space(platform: Platform) -> str:
    """Where what watches is."""
    return platform.settings.namespaces.monitoring


def from_a_pod(platform: Platform, program: str) -> list[str]:
    """What a program prints that asks Loki, word by word."""
    there = program.format(address=address(platform.settings, names.LOKI))
    return platform.kubectl.run("exec", *causes.in_dag_processor(platform), there).split()


def wait_lines(watch: Watch, report: RunReport, lines: int) -> None:
    """Wait until Loki has as many lines of a run of chatty, and no more."""
    selector = chatted(report.run_id)
    wait_for(lambda: watch.count(selector) >= lines, 120, "every line in Loki")
    assert watch.count(selector) == lines


@pytest.mark.fires("AirflowLokiDiscardsLines")
@pytest.mark.fills("a line that Loki refuses, such as one that is too old")
def test_lines_that_loki_throws_away_fire(platform: Platform, watch: Watch) -> None:
    """Before Loki is taken away: what is counted as it comes back might be old, so it is not."""
    assert from_a_pod(platform, PUSH + ONE_IS_OLD) == ["204", "400"]
    watch.wait_firing("AirflowLokiDiscardsLines")
    # Of a Loki younger than the rate's window nothing is told, and the next test makes a new one.
    told = "updraft:log_lines_discarded:rate5m > 0"
    wait_for(lambda: watch.query(told), 420, "the rate of the lines that were refused")
    watch.end("AirflowLokiDiscardsLines")


@pytest.mark.fires("AirflowLokiErrors")
def test_a_loki_that_takes_no_lines_fires(platform: Platform, watch: Watch, space: str) -> None:
    """With the shipped waits it would be restarted before, as it isn't ready for three minutes."""
    assert from_a_pod(platform, PUSH + LEAVES) == ["204", *["500"] * ASKS]
    watch.wait_firing("AirflowLokiErrors")
    causes.restart(platform, space, LOKI)
    watch.end("AirflowLokiErrors")


def test_pods_of_less_than_a_second_leave_their_lines(platform: Platform, watch: Watch) -> None:
    """Each is deleted as soon as it has ended, its files with it."""
    namespace = platform.tasks_namespace
    names_ = [f"brief-{each}" for each in range(BRIEF)]
    mark = secrets.token_hex(4)
    echo = [["sh", "-c", f"echo {name} of {mark}"] for name in names_]
    pods = [
        objects.pod(platform, name, namespace, command=command)
        for name, command in zip(names_, echo, strict=True)
    ]
    ended: set[str] = set()

    def gone() -> bool:
        for pod in platform.kubectl.items("pods", "-n", namespace):
            name = pod["metadata"]["name"]
            if name in set(names_) - ended and pod["status"]["phase"] == "Succeeded":
                platform.kubectl.run("delete", "pod", name, "-n", namespace, "--wait=false")
                ended.add(name)
        return len(ended) == BRIEF

    with objects.applied(platform, *pods):
        wait_for(gone, 180, "the pods to end")
    selector = f'{{k8s_namespace_name="{namespace}"}} |= "of {mark}"'
    wait_for(lambda: watch.count(selector) >= BRIEF, 60, "a line of each in Loki")
    found = Counter(line for _, line in watch.lines(selector))
    assert found == {f"{name} of {mark}": 1 for name in names_}


def test_nothing_is_lost_while_loki_is_away_and_the_collector_dies(
    platform: Platform, api: AirflowApi, watch: Watch, space: str
) -> None:
    with scaled_down(platform, space, LOKI):
        began = time.monotonic()
        report = support.run(platform, api, "chatty", pods=PODS, lines=LINES)
        assert report.state == "success"
        causes.kill_container(platform, space, names.COLLECTOR)
        pods = sorted({pod.name for pod in report.pods.values()})
        platform.kubectl.run("delete", "pod", *pods, "-n", platform.tasks_namespace)
        time.sleep(max(0.0, began + OUTAGE_SECONDS - time.monotonic()))
    wait_lines(watch, report, PODS * LINES)


@pytest.mark.fires("AirflowLogsDelayed")
def test_lines_that_wait_for_loki_fire(
    platform: Platform, api: AirflowApi, watch: Watch, space: str
) -> None:
    """With a queue of less than the gigabyte that it is."""

    def with_small_queue(config: str) -> str:
        small = config.replace(str(collector.QUEUE_BYTES), str(1 << 20))
        assert small != config
        return small

    where = (platform, space, f"configmap/{names.COLLECTOR}", "/data/config.yaml")
    with causes.patched(*where, with_small_queue):
        causes.restart(platform, space, COLLECTOR)
        with scaled_down(platform, space, LOKI):
            report = support.start(api, "chatty", pods=MANY_PODS, lines=MANY_LINES)
            watch.wait_firing("AirflowLogsDelayed")
    causes.restart(platform, space, COLLECTOR)
    watch.end("AirflowLogsDelayed")
    assert causes.finish(platform, api, report) == {"success"}


@pytest.mark.fires("AirflowCollectorDropsLogs", "AirflowLogDeliveryBudgetBurn")
@pytest.mark.fills("a collector at its limit of memory", "a gateway that refuses every line")
def test_lines_that_are_refused_on_their_way_fire(
    platform: Platform, api: AirflowApi, watch: Watch, space: str
) -> None:
    fired = ("AirflowCollectorDropsLogs", "AirflowLogDeliveryBudgetBurn")
    gateway = objects.pod(platform, "gateway", space, program=GATEWAY)
    labels = gateway["metadata"]["labels"]
    service = (platform, space, f"service/{names.LOKI}", "/spec/selector")
    with (
        scaled_down(platform, space, LOKI),
        objects.applied(platform, gateway),
        causes.patched(*service, lambda _: labels),
    ):
        report = support.start(api, "chatty", pods=5, lines=400)
        watch.wait_firing(*fired)
    assert causes.finish(platform, api, report) == {"success"}
    watch.end(*fired)


@pytest.mark.fires("AirflowCollectorDropsLogs")
@pytest.mark.fills("a disk of a node that is full while Loki is down")
def test_a_full_disk_below_the_queue_fires_and_loses_nothing(
    platform: Platform, api: AirflowApi, watch: Watch, space: str
) -> None:
    """While Loki is away the queue grows, and lines wait in their files once it can't."""
    volumes = (platform, space, COLLECTOR, "/spec/template/spec/volumes")

    def with_small_disk(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        small = {"name": "data", "emptyDir": {"medium": "Memory", "sizeLimit": "512Ki"}}
        assert {"name": "data", "emptyDir": {}} in found
        return [small if volume["name"] == "data" else volume for volume in found]

    def grows() -> bool:
        return bool(watch.query("updraft:log_lines_unqueued:rate5m > 0"))

    with scaled_down(platform, space, LOKI):
        with causes.patched(*volumes, with_small_disk):
            causes.wait_rollout(platform, space, COLLECTOR)
            report = support.run(platform, api, "chatty", pods=MANY_PODS, lines=MANY_LINES)
            wait_for(grows, 180, "lines that find no room")
            watch.wait_firing("AirflowCollectorDropsLogs")
        causes.wait_rollout(platform, space, COLLECTOR)
    watch.end("AirflowCollectorDropsLogs")
    wait_lines(watch, report, MANY_PODS * MANY_LINES)
