"""The Platform page of the cluster, as its administrator sees it in a real browser."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from infra import versions
from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from tests import chromium
from tests.operators.platform.look import CHARTS, PLATFORM, is_drawn, log_in, statuses
from tests.waiting import wait_for

# What a platform shows that is well and has run something; the rest may have nothing to tell.
FULL = {"control", *CHARTS} - {"waiting"}


def test_the_platform_page_shows_what_runs_here(platform: Platform, api: AirflowApi) -> None:
    with chromium.launched() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1800})
        page.set_default_timeout(60_000)
        page.goto(f"{api.address}/platform/")
        log_in(page, *platform.administrator())
        found = statuses(page)
        assert urlsplit(page.url).path == "/platform/"
        assert page.locator("h1").inner_text().endswith(f" Updraft {versions.UPDRAFT}")
        control = page.locator('[data-panel="control"]').inner_text()
        print(found, control, sep="\n")
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/platform.png")
        assert set(found) == set(PLATFORM)
        assert set(found.values()) <= {"ok", "empty"}
        assert {name for name in FULL if found[name] != "ok"} == set()
        wait_for(lambda: all(is_drawn(page, name) for name in FULL - {"control"}), 10, "charts")
        for component in ("scheduler", "dag processor", "triggerer"):
            assert component in control
