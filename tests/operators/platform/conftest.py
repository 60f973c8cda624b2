"""The servers that the page asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import versions
from infra.images import page as library
from infra.values import links
from tests import chromium
from tests.monitoring import conftest as monitoring
from tests.operators.platform import servers
from tests.operators.platform import site as airflow
from updraft.testing.postgres import Server

# Fixtures of those tests.
tool = monitoring.tool
alertmanager_program = monitoring.alertmanager


@pytest.fixture(scope="package")
def prometheus(
    tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[servers.Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    with servers.prometheus(tool("prometheus"), tool("promtool"), folder) as it:
        yield it


@pytest.fixture(scope="package")
def alertmanager(
    alertmanager_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with servers.alertmanager(alertmanager_program, tmp_path_factory.mktemp("alerts")) as url:
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
        "version": versions.UPDRAFT, "links": json.dumps(links.to_page()),
    }  # fmt: skip
    metadata = postgres.create("platform").uri
    with airflow.running(tmp_path_factory.mktemp("airflow"), metadata, options) as it:
        yield it


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    with chromium.launched() as it:
        yield it
