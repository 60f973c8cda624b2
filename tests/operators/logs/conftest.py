"""A real Loki, alone or beside a real Airflow that reads task logs from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git_remote import Remote
from tests.monitoring.logs.pipeline import loki_server
from tests.operators.logs.lake import Lake
from tests.operators.ui import site as airflow
from tests.programs import programs
from updraft.testing.postgres import Server

DAGS = Path(__file__).parent / "dags"
BUNDLE = {"name": "dags-folder", "classpath": "updraft.bundle.GitSyncDagBundle", "kwargs": {}}


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    server, url = loki_server(programs("loki")["loki"], tmp_path_factory.mktemp("loki"))
    try:
        server.start()
        yield Lake(server, url)
    finally:
        server.kill()


@pytest.fixture
def settings(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__UPDRAFT__LOKI_URL", lake.url)
    monkeypatch.setenv("AIRFLOW__UPDRAFT__LOGS_RETENTION", "720h")
    monkeypatch.setenv("AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE", "airflow-tasks")


@pytest.fixture(scope="session")
def site(
    lake: Lake, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[airflow.Site]:
    folder = tmp_path_factory.mktemp("logs-site")
    remote = Remote.make(folder)
    for file in sorted(DAGS.glob("*.py")):
        remote.commit(file.read_text(), f"dags/{file.name}")
    assert remote.sync().returncode == 0
    options = {
        "dag_processor__dag_bundle_config_list": json.dumps([BUNDLE]),
        "logging__logging_config_class": "updraft.logs.LOGGING_CONFIG",
        "updraft__loki_url": lake.url,
    }
    with airflow.running(folder, postgres.create("logs").uri, remote, options) as it:
        yield it
