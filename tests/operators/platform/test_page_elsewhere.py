"""The page where its servers are down, and below a path of its host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.operators.platform.look import CHARTS, PLATFORM, statuses
from tests.operators.platform.site import Site
from tests.render.apiserver import free_ports

Open = Callable[..., Any]


@contextmanager
def without_servers(site: Site) -> Iterator[Site]:
    dead = f"http://127.0.0.1:{free_ports(1)[0]}"
    grafana = "https://grafana.example.com"
    with site.another(prometheus_url=dead, alertmanager_url=dead, grafana_url=grafana) as other:
        yield other


def test_servers_that_are_down_are_told_by_each_panel_with_the_way_out(
    visit: Open, site: Site
) -> None:
    with without_servers(site) as other:
        page = visit("/platform/", at=other)
        found = statuses(page)
        print(found)
        assert found == {**dict.fromkeys(PLATFORM, "failed"), "control": "ok", "failures": "ok"}
        for name in CHARTS:
            text = page.locator(f'[data-panel="{name}"]').inner_text()
            assert "Prometheus does not answer" in text
            assert "What to do: see whether its pod is up" in text
        assert "Alertmanager does not answer" in page.locator('[data-panel="alerts"]').inner_text()
        links = page.locator("[data-grafana-link]").all()
        addresses = [each.get_attribute("href") for each in links]
        print(addresses)
        assert len(addresses) == len(PLATFORM)
        assert all(
            re.fullmatch(r"https://grafana\.example\.com/d/updraft-\w+\?from=now-24h&to=now", each)
            for each in addresses
        )
        # Before its server ends, which it would complain of.
        page.context.close()


def test_behind_a_path_of_the_host_it_works_the_same(visit: Open, site: Site) -> None:
    with site.another("/data/airflow") as other:
        page = visit("/plugin/platform", at=other)
        frame = page.frame_locator("iframe")
        frame.locator('[data-panel="failures"][data-status="ok"]').wait_for()
        assert page.frames[1].url.startswith(f"{other.url}/platform/")
        frame.get_by_role("link", name=re.compile("log of try")).first.click()
        page.wait_for_url(re.compile(r"/data/airflow/dags/shop_nightly/runs/"))
        page.context.close()
        page = visit("/platform/?range=6h", "", at=other)
        print(page.url)
        assert page.url.startswith(f"{other.url}/auth/login")
        assert "next=%2Fdata%2Fairflow%2Fplatform%2F%3Frange%3D6h" in page.url
        page.context.close()
