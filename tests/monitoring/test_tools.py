"""Each program that watches the platform is the release that is pinned, and serves."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from infra.local import tools
from infra.local.programs import MONITORING_TOOLS, TEST_TOOLS, TOOLS
from tests.monitoring import servers
from tests.monitoring.servers import LOOPBACK
from tests.render.apiserver import free_ports
from tests.waiting import wait_for

Find = Callable[[str], Path]
LOKI: dict[str, Any] = {
    "auth_enabled": False,
    "analytics": {"reporting_enabled": False},
    "common": {
        "replication_factor": 1,
        "instance_addr": "127.0.0.1",
        "ring": {"kvstore": {"store": "inmemory"}},
    },
    "schema_config": {
        "configs": [
            {
                "from": "2026-01-01",
                "store": "tsdb",
                "object_store": "filesystem",
                "schema": "v13",
                "index": {"prefix": "index_", "period": "24h"},
            }
        ]
    },
}


def written(folder: Path, content: object) -> Path:
    """Write a configuration, and return its file."""
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def collecting(folder: Path, loki: str) -> dict[str, object]:
    """A configuration of every part that our collector has, from the log of a pod to Loki."""
    note = [{"key": "note", "value": "seen", "action": "insert"}]
    processors = {
        "memory_limiter": {"check_interval": "1s", "limit_mib": 100},
        "k8sattributes": {"auth_type": "kubeConfig", "wait_for_metadata": False},
        "attributes": {"actions": note},
        "resource": {"attributes": note},
        "filter": {"logs": {"log_record": ['body == "no"']}},
        "transform": {"log_statements": ['set(log.severity_text, "WARN")']},
        "batch": {"timeout": "100ms"},
    }
    return {
        "receivers": {
            "otlp": {"protocols": {"http": {"endpoint": f"{LOOPBACK}:{free_ports(1)[0]}"}}},
            "filelog": {
                "include": [str(folder / "pods" / "*" / "*" / "*.log")],
                "include_file_path": True,
                "start_at": "beginning",
                "poll_interval": "100ms",
                "storage": "file_storage",
                "operators": [{"type": "container"}],
            },
        },
        "processors": processors,
        "exporters": {
            "debug": {},
            "otlphttp": {
                "endpoint": f"${{env:UPDRAFT_TEST_LOKI:-{loki}}}/otlp",
                "sending_queue": {"storage": "file_storage"},
            },
        },
        "extensions": {
            "health_check": {},
            "file_storage": {"directory": str(folder / "state"), "create_directory": True},
        },
        "service": {
            "extensions": ["health_check", "file_storage"],
            "pipelines": {
                "logs": {
                    "receivers": ["filelog", "otlp"],
                    "processors": [name for name in processors if name != "k8sattributes"],
                    "exporters": ["otlphttp", "debug"],
                }
            },
        },
    }


@pytest.mark.parametrize("name", [*MONITORING_TOOLS.values(), *TEST_TOOLS])
def test_a_program_says_the_release_that_is_pinned(name: str, tool: Find) -> None:
    argument = "version" if name in {"kube-state-metrics", "pint"} else "--version"
    ran = subprocess.run([tool(name), argument], capture_output=True, text=True, check=True)
    said = (ran.stdout + ran.stderr).splitlines()[0]
    print(said)
    assert tools.version(TOOLS[name]) in said.split() or f"{tools.version(TOOLS[name])}," in said


def test_a_program_that_leaves_packages_out_says_whose_it_is(tool: Find) -> None:
    changed = {each.name for each in TOOLS.values() if each.without}
    assert changed == {"loki"}
    ran = subprocess.run([tool("loki"), "--version"], capture_output=True, text=True, check=True)
    print(ran.stdout)
    assert f"branch: {tools.BRANCH}" in ran.stdout


def test_prometheus_evaluates_rules_and_discovers_kubernetes(tool: Find, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text('groups: [{name: a, interval: 1s, rules: [{record: one, expr: "vector(1)"}]}]')
    with servers.prometheus(
        tool("prometheus"), tmp_path, written(tmp_path, {"rule_files": [str(rules)]})
    ) as url:

        def value() -> list[object]:
            answer = httpx.get(f"{url}/api/v1/query", params={"query": "one"}).json()
            return list(answer["data"]["result"])

        assert wait_for(value, 20, "the recorded series")
        build = httpx.get(f"{url}/api/v1/status/buildinfo").json()["data"]
    print(build)
    assert build["version"] == tools.version(TOOLS["prometheus"])
    scrape = {"job_name": "pods", "kubernetes_sd_configs": [{"role": "pod"}]}
    file = written(tmp_path, {"scrape_configs": [scrape]})
    subprocess.run([tool("promtool"), "check", "config", file], check=True)


@pytest.fixture
def loki(tool: Find, tmp_path: Path) -> Iterator[str]:
    """A Loki of this test alone."""
    folder = tmp_path / "loki"
    folder.mkdir()
    common = {**LOKI["common"], "path_prefix": str(folder)}
    storage = {"filesystem": {"directory": str(folder / "chunks")}}
    config = written(folder, {**LOKI, "common": common, "storage_config": storage})
    with servers.loki(tool("loki"), folder, config) as url:
        yield url


def test_the_collector_brings_a_pods_line_to_loki_and_counts_it(
    tool: Find, tmp_path: Path, loki: str
) -> None:
    pod = tmp_path / "pods" / "airflow_a-pod_uid" / "base"
    pod.mkdir(parents=True)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    (pod / "0.log").write_text(f"{now} stdout F no\n{now} stdout F yes\n")
    config = written(tmp_path, collecting(tmp_path, loki))

    def lines() -> list[str]:
        query = {"query": '{service_name=~".+"}'}
        found = httpx.get(f"{loki}/loki/api/v1/query_range", params=query).json()
        return [line for stream in found["data"]["result"] for _, line in stream["values"]]

    with servers.collector(tool("otelcol"), tmp_path, config) as metrics:
        assert wait_for(lines, 30, "the line in Loki") == ["yes"]
        own = httpx.get(metrics).text
    sent = re.findall(r"^otelcol_exporter_sent_log_records\S* \d+$", own, re.MULTILINE)
    print(*sent, sep="\n")
    assert any(row.startswith("otelcol") and row.endswith(" 1") for row in sent)


def test_the_collector_checks_a_configuration(tool: Find, tmp_path: Path) -> None:
    good = collecting(tmp_path, "http://loki.example.com")
    bad = good | {"receivers": {"filelog": {"include": "*", "begin": "at once"}}}
    answers = []
    for config in (good, bad):
        (tmp_path / "state").mkdir(exist_ok=True)
        file = written(tmp_path, config)
        command = [str(tool("otelcol")), "validate", f"--config={file}"]
        answers.append(subprocess.run(command, capture_output=True, text=True, check=False))
    print(answers[1].stderr)
    assert [answer.returncode for answer in answers] == [0, 1], answers[0].stderr
    assert "begin" in answers[1].stderr


def test_statsd_exporter_exposes_what_it_is_sent(tool: Find, tmp_path: Path) -> None:
    mapping = written(
        tmp_path, {"mappings": [{"match": "a.*", "name": "a", "labels": {"kind": "$1"}}]}
    )
    with (
        servers.statsd_exporter(tool("statsd_exporter"), tmp_path, mapping) as exporter,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):

        def exposed() -> bool:
            sender.sendto(b"a.one:1|c", (LOOPBACK, exporter.port))
            return 'a{kind="one"} ' in httpx.get(f"{exporter.url}/metrics").text

        assert wait_for(exposed, 20, "the metric")


def test_alertmanager_takes_an_alert(alertmanager: Path, tool: Find, tmp_path: Path) -> None:
    config = written(tmp_path, {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]})
    subprocess.run([tool("amtool"), "check-config", config], check=True)
    with servers.alertmanager(alertmanager, tmp_path, config) as url:
        answer = httpx.post(f"{url}/api/v2/alerts", json=[{"labels": {"alertname": "Fire"}}])
        answer.raise_for_status()
        found = httpx.get(f"{url}/api/v2/alerts").json()
    print(found)
    assert [alert["labels"]["alertname"] for alert in found] == ["Fire"]
