"""Prometheus' scrape configuration: one that it takes, and that asks each server that runs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from infra.settings import load, stack
from infra.values.monitoring import exporters, logs, metrics
from infra.values.monitoring.server import Server
from monitoring import prometheus
from monitoring.options import Options


def test_promtool_takes_it_and_refuses_a_misspelt_one(
    tool: Callable[[str], Path], tmp_path: Path
) -> None:
    good = prometheus.config(Options())
    bad = {**good, "scrape_configs": [{**good["scrape_configs"][0], "jobname": "x"}]}
    for config, code in ((good, 0), (bad, 1)):
        file = tmp_path / "prometheus.yaml"
        file.write_text(yaml.safe_dump(config))
        command = [str(tool("promtool")), "check", "config", "--syntax-only", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr)
        assert done.returncode == code


def test_each_server_that_runs_is_asked_at_the_port_that_it_has() -> None:
    settings = load(stack.read("local", {}))
    servers: list[Server] = [
        exporters.statsd_exporter(settings),
        exporters.kube_state_metrics(settings),
        exporters.airflow_exporter(settings, "image", "secret"),
        metrics.prometheus(settings),
        metrics.alertmanager(settings),
        logs.loki(settings),
    ]
    has = {f"{each.name}:{each.ports['http']}" for each in servers}
    asked = {
        target.replace(f".{settings.namespaces.airflow}:", ":")
        for job in prometheus.config(Options())["scrape_configs"]
        for group in job.get("static_configs", [])
        for target in group["targets"]
    }
    print(has)
    assert asked == has
