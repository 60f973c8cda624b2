"""The page as people see it, in a real Chromium, from an Airflow with FAB's users.

UPDATE_SCREENSHOT=1 writes the README's picture, docs/images/platform.png, from a further Airflow
component of each kind that runs for it; without it no file changes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from infra import versions
from infra.root import ROOT
from tests.operators.platform.look import (
    CHARTS,
    DESKTOP,
    NARROW,
    PHONE,
    PLATFORM,
    has_no_overflow,
    is_drawn,
    log_in,
    statuses,
)
from tests.operators.platform.site import Site
from tests.waiting import wait_for

PICTURE = ROOT / "docs" / "images" / "platform.png"
TASK = ("task", "task-cpu", "task-memory")
Open = Callable[..., Any]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROW], ids=["desktop", "phone", "narrow"])
def test_every_panel_shows_data_in_either_theme_on_any_width(
    visit: Open, theme: str, size: tuple[int, int], tmp_path: Path
) -> None:
    page = visit("/platform/", theme=theme, size=size)
    found = statuses(page)
    print(found)
    assert found == dict.fromkeys(PLATFORM, "ok")
    assert [name for name in CHARTS if not is_drawn(page, name)] == []
    assert has_no_overflow(page)
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", back))) > 600 if theme == "light" else 100
    page.screenshot(path=tmp_path / f"{theme}.png", full_page=True)
    print(tmp_path)
    # Every table open, and one task instead of the platform.
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert has_no_overflow(page)
    page.goto(f"{page.url.partition('?')[0]}?dag_id=billing&task_id=bill")
    assert statuses(page) == dict.fromkeys(TASK, "ok")
    assert [name for name in TASK[1:] if not is_drawn(page, name)] == []
    assert has_no_overflow(page)


def test_each_panel_says_what_it_shows_and_in_which_unit(visit: Open) -> None:
    page = visit("/platform/")
    statuses(page)
    panels = page.locator("#platform [data-panel]").all()
    assert len(panels) == len(PLATFORM)
    for panel in panels:
        text = panel.inner_text()
        heading = panel.get_by_role("heading").inner_text()
        assert len(panel.locator(".about").inner_text()) > 30, heading
        assert panel.get_attribute("aria-labelledby")
        if panel.get_attribute("data-chart"):
            label = panel.get_by_role("img").get_attribute("aria-label")
            print(label)
            assert heading in label
            assert re.search(r"\d (pods|cores|GiB|tasks?|s|%|USD)\b|%", text), text
            panel.get_by_text("As a table").click()
            assert panel.get_by_role("table").locator("tbody tr").count() >= 3, heading
    head = page.get_by_role("heading", level=1).all_inner_texts()
    assert head == [f"Platform example Updraft {versions.UPDRAFT}"]


def test_the_range_is_chosen_by_keyboard_and_kept_in_the_address(visit: Open) -> None:
    page = visit("/platform/")
    statuses(page)
    chosen = page.get_by_role("radio", name="last 24h")
    assert chosen.is_checked()
    chosen.focus()
    with page.expect_response(re.compile(r"api/failures\?range=7d")):
        page.keyboard.press("ArrowRight")
    assert "range=7d" in page.url
    page.reload()
    statuses(page)
    assert page.get_by_role("radio", name="last 7d").is_checked()


def test_the_page_refreshes_itself_unless_told_not_to(visit: Open) -> None:
    page = visit("/platform/", before=lambda page: page.clock.install())
    statuses(page)
    with page.expect_response(re.compile("api/quota")):
        page.clock.fast_forward(31_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("every 30 s").uncheck()
    page.clock.fast_forward(120_000)
    with page.expect_response(re.compile("api/quota")):
        page.get_by_role("button", name="Refresh").click()
    assert sum("api/quota" in url for url in asked) == 1


def test_failures_are_paged_and_lead_to_the_log_of_their_try(visit: Open) -> None:
    page = visit("/platform/")
    statuses(page)
    panel = page.locator('[data-panel="failures"]')
    panel.get_by_text("page 1 of 3, 24 in all").wait_for()
    assert panel.get_by_role("button", name="Newer").is_disabled()
    for number in (2, 3):
        panel.get_by_role("button", name="Older").click()
        panel.get_by_text(f"page {number} of 3").wait_for()
    assert panel.get_by_role("button", name="Older").is_disabled()
    row = panel.locator("tbody tr", has_text="billing")
    row.get_by_role("link", name="log of try 2").click()
    page.wait_for_url(re.compile(r"/dags/billing/runs/[^/]+/tasks/bill\?try_number=2"))


def test_inside_airflow_the_page_follows_its_theme_and_its_links_lead_out(visit: Open) -> None:
    page = visit("/plugin/platform", theme="dark")
    frame = page.frame_locator("iframe")
    frame.locator('[data-panel="failures"][data-status="ok"]').wait_for()
    assert frame.locator("html.dark").count() == 1
    page.evaluate("document.documentElement.classList.replace('dark', 'light')")
    frame.locator("html:not(.dark)").wait_for()
    with page.context.expect_page() as opened:
        frame.get_by_role("link", name="what to do").first.evaluate("each => each.click()")
    print(opened.value.url)
    frame.get_by_role("link", name="load").first.click()
    frame.get_by_role("heading", name="shop_nightly · load").wait_for()
    frame.get_by_role("link", name=re.compile("log of try")).first.click()
    page.wait_for_url(re.compile(r"/dags/shop_nightly/runs/[^/]+/tasks/load/mapped/\d+\?try"))


def test_a_tasks_links_lead_to_its_page(visit: Open, site: Site) -> None:
    rows = site.ask("task?dag_id=billing&task_id=bill", "admin")["rows"]
    path = rows[0]["log"].partition("?")[0]
    page = visit(f"/{path}/details")
    page.get_by_role("heading", name="Extra Links").wait_for()
    shown = {
        each.inner_text(): each.get_attribute("href")
        for each in page.locator('a[href*="plugin/platform"][href*="dag_id"]').all()
    }
    print(shown)
    assert shown.keys() == {"Logs", "Dashboard"}
    for address in shown.values():
        page.goto(f"{site.url}{urlsplit(address)._replace(scheme='', netloc='').geturl()}")
        frame = page.frame_locator("iframe")
        frame.get_by_role("heading", name="billing · bill").wait_for()
        frame.locator('[data-panel="task"][data-status="ok"]').wait_for()
        assert frame.locator("#tries tbody tr").count() == 2


def test_a_reader_of_one_dag_sees_its_failures_and_cost_alone(visit: Open, site: Site) -> None:
    page = visit("/platform/", "reader")
    found = statuses(page)
    print(found)
    denied = dict.fromkeys(PLATFORM, "denied")
    assert found == {**denied, "failures": "ok", "cost": "ok"}
    text = page.locator("body").inner_text()
    assert "billing" in text
    assert not re.search("shop_nightly|warehouse|payroll", text)
    assert "Cluster Activity" in page.locator('[data-panel="quota"]').inner_text()
    assert site.ask("task?dag_id=shop_nightly&task_id=load", "reader")["status"] == "denied"
    assert site.ask("task-cpu?dag_id=shop_nightly&task_id=load", "reader")["status"] == "denied"
    assert {row["dag_id"] for row in site.ask("failures", "reader")["rows"]} == {"billing"}


def test_who_may_see_nothing_is_told_so(visit: Open) -> None:
    page = visit("/platform/", "nobody")
    assert statuses(page) == dict.fromkeys(PLATFORM, "denied")
    assert "nobody, who may see nothing of what is here" in page.locator("#notices").inner_text()


def test_who_is_not_logged_in_comes_to_the_login_and_then_back(visit: Open) -> None:
    page = visit("/platform/?range=1h", "")
    print(page.url)
    log_in(page, "admin", "admin")
    page.wait_for_url(re.compile(r"/platform/\?range=1h"))
    assert statuses(page) == dict.fromkeys(PLATFORM, "ok")


def test_a_session_that_ends_is_told(visit: Open) -> None:
    page = visit("/platform/", quiet=False)
    statuses(page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Refresh").click()
    page.get_by_text("You are not logged in any more").wait_for()
    assert page.get_by_role("link", name="Log in again").get_attribute("href") == "/"


def test_without_the_chart_library_tables_stand_in(visit: Open) -> None:
    def without(page: Any) -> None:
        page.route("**/echarts.min.js", lambda route: route.abort())

    page = visit("/platform/", quiet=False, before=without)
    assert statuses(page) == dict.fromkeys(PLATFORM, "ok")
    assert "Charts are missing" in page.locator("#notices").inner_text()
    assert page.locator("canvas").count() == 0
    for name in CHARTS:
        table = page.locator(f'[data-panel="{name}"]').get_by_role("table")
        assert table.is_visible()
        assert table.locator("tbody tr").count() >= 3


def test_what_others_have_written_stays_text(visit: Open, site: Site, alertmanager: str) -> None:
    def arrived() -> bool:
        return any("Named" in row["name"] for row in site.ask("alerts", "admin")["rows"])

    text = '<img id="injected" src="x">'
    labels = {"alertname": f"Named{text}", "severity": text}
    annotations = {"summary": text, "runbook_url": "javascript:document.body.remove()"}
    alert = {"labels": labels, "annotations": annotations}
    httpx.post(f"{alertmanager}/api/v2/alerts", json=[alert]).raise_for_status()
    try:
        wait_for(arrived, 20, "the alert")
        page = visit("/platform/")
        row = page.locator('[data-panel="alerts"] tbody tr', has_text="Named")
        row.wait_for()
        print(row.inner_text())
        assert row.inner_text().count(text) == 3
        assert page.locator("#injected").count() == row.get_by_role("link").count() == 0
    finally:
        past = {**alert, "endsAt": datetime.now(UTC).isoformat()}
        httpx.post(f"{alertmanager}/api/v2/alerts", json=[past]).raise_for_status()


@pytest.mark.skipif(
    "UPDATE_SCREENSHOT" not in os.environ, reason="UPDATE_SCREENSHOT=1 writes the README's picture"
)
def test_the_readmes_picture(visit: Open, site: Site) -> None:
    def all_up() -> bool:
        rows = site.ask("control", "admin")["rows"]
        return all(row["up"] for row in rows)

    with site.components("scheduler", "dag-processor", "triggerer"):
        wait_for(partial(all_up), 90, "the control plane")
        page = visit("/plugin/platform", size=(1280, 1800))
        frame = page.frame_locator("iframe")
        frame.locator('[data-panel="failures"][data-status="ok"]').wait_for()
        frame.locator("#updated", has_text="as of").wait_for()
        page.screenshot(path=PICTURE)
    assert PICTURE.stat().st_size > 50_000
