"""The Airflow whose pages the tests look at, and the browser that they look with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import chromium
from tests.git_remote import Remote
from tests.operators.ui import site as airflow
from updraft.testing.postgres import Server

DAGS = Path(__file__).parent / "dags"
BUNDLE = {"name": "dags-folder", "classpath": "updraft.bundle.GitSyncDagBundle", "kwargs": {}}
LINKS = {
    "pod": "https://pods.example.com/{namespace}/{pod}",
    "podMinutes": 60,
    "source": "https://git.example.com/shop/blob/{commit}/dags/{file}",
    "extra": [
        {
            "name": "Dashboard",
            "url": "https://grafana.example.com/d/tasks?dag={dag_id}&run={run_id}&task={task_id}"
            "&try={try_number}&item={map_index}",
        },
        {"name": "Log", "url": "https://loki.example.com/?q=%22{pod}%22&f={start_ms}&t={end_ms}"},
    ],
}


@pytest.fixture(scope="session")
def site(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[airflow.Site]:
    folder = tmp_path_factory.mktemp("site")
    remote = Remote.make(folder)
    for file in sorted(DAGS.glob("*.py")):
        remote.commit(file.read_text(), f"dags/{file.name}")
    assert remote.sync().returncode == 0
    options = {
        "dag_processor__dag_bundle_config_list": json.dumps([BUNDLE]),
        "updraft__links": json.dumps(LINKS),
    }
    shop = postgres.create("shop")
    shop.sql("CREATE TABLE orders (run text)")
    metadata = postgres.create("airflow").uri
    with airflow.running(folder, metadata, remote, options, shop=shop.uri) as it:
        yield it


@pytest.fixture(scope="package")
def page() -> Iterator[Any]:
    with chromium.launched() as browser:
        context = browser.new_context()
        context.set_default_timeout(20_000)
        yield context.new_page()
        context.close()
