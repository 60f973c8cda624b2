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
from tests.operators.platform.look import DESKTOP
from updraft.testing.postgres import Server

# Fixtures of those tests.
tool = monitoring.tool
alertmanager_program = monitoring.alertmanager
# Complaints about Airflow itself: the frame in which it shows a plugin's page, FAB's login.
AIRFLOWS = ("An iframe which has both allow-scripts and allow-same-origin", "/auth/static/")


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


@pytest.fixture
def visit(site: airflow.Site, browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens a path as a user; at the end nothing may have been complained of."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def note(message: Any) -> None:
        if message.type in {"error", "warning"}:
            complain(message.text)

    def complain(text: str) -> None:
        if not any(each in text for each in AIRFLOWS):
            complaints.append(text)

    def show(  # noqa: PLR0913 -- each is a way in which people differ
        path: str, user: str = "admin", *, at: airflow.Site = site, size: tuple[int, int] = DESKTOP,
        theme: str = "light", quiet: bool = True, before: Callable[[Any], None] = lambda _: None,
    ) -> Any:  # fmt: skip
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, color_scheme=theme, locale="en-GB")
        contexts.append(context)
        context.set_default_timeout(60_000)
        if user:
            context.add_cookies([{"name": "_token", "value": at.token(user), "url": at.url}])
        page = context.new_page()
        if quiet:
            page.on("console", note)
        page.on("pageerror", lambda error: complain(f"{error} {error.stack}"))
        before(page)
        page.goto(f"{at.url}{path}")
        return page

    yield show
    for context in contexts:
        context.close()
    assert complaints == []
