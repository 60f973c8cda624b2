"""The servers that the page asks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.errors import UpdraftError
from infra.images import page as library
from infra.local import tools
from tests.operators.platform import servers
from tests.operators.platform import site as airflow
from updraft.testing.postgres import Server


@pytest.fixture(scope="package")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Prometheus]:
    try:
        found = tools.ensure(["prometheus", "promtool"], print)
    except UpdraftError as error:
        pytest.skip(f"Prometheus can't be built here, so the page was NOT tried: {error}")
    folder = tmp_path_factory.mktemp("prometheus")
    with servers.prometheus(found["prometheus"], found["promtool"], folder) as it:
        yield it


@pytest.fixture(scope="package")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if found is None:
        pytest.skip("needs Alertmanager: apt-get install prometheus-alertmanager")
    with servers.alertmanager(Path(found), tmp_path_factory.mktemp("alertmanager")) as url:
        yield url


@pytest.fixture(scope="package")
def site(
    postgres: Server,
    prometheus: servers.Prometheus,
    alertmanager: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[airflow.Site]:
    library.ensure(print)
    options = {
        "prometheus_url": prometheus.url, "alertmanager_url": alertmanager, "cluster": "example",
    }  # fmt: skip
    metadata = postgres.create("platform").uri
    with airflow.running(tmp_path_factory.mktemp("airflow"), metadata, options) as it:
        yield it


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
    found = airflow.chromium()
    if found is None:
        pytest.skip("needs Chromium: apt-get install --no-install-recommends chromium")
    # Nothing of it talks to anybody but this machine.
    flags = [
        *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    ]
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, headless=True, args=flags)
        yield opened
        opened.close()
