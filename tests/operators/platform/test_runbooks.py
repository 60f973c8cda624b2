"""Airflow's own API server gives the runbooks, to who is logged in, and nothing beside them."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from infra.root import ROOT
from infra.values import links
from monitoring.options import Options
from monitoring.rules import sources
from monitoring.rules.model import Alert
from tests.operators.platform.look import DESKTOP, NARROW, PHONE, has_no_overflow
from tests.operators.platform.site import Site
from tests.unit.test_program_values import settings

Open = Callable[..., Any]
FOLDER = ROOT / "docs" / "runbooks"
INDEX = f"{links.RUNBOOKS}/"


@pytest.fixture(scope="module")
def reader(site: Site) -> httpx.Client:
    """One whose role sees no more than one DAG."""
    return httpx.Client(
        base_url=site.url, headers={"Authorization": f"Bearer {site.token('reader')}"}
    )


def test_the_program_links_to_where_the_package_serves() -> None:
    from updraft.platform import entry, runbooks  # noqa: PLC0415 -- imports Airflow

    assert links.SERVED == entry.PREFIX
    assert f"/plugin/{entry.ROUTE}" == links.PAGE
    assert links.RUNBOOKS == entry.PREFIX + runbooks.ROUTE
    assert urlsplit(Options().runbooks).path == links.RUNBOOKS


def test_each_alerts_link_leads_to_its_page(site: Site, reader: httpx.Client) -> None:
    options = Options(runbooks=links.runbooks(settings({"airflow": {"baseUrl": site.url}})))
    rules = [rule for group in sources(options) for rule in group.rules]
    told = {
        rule.name: rule.rule(options)["annotations"]["runbook_url"]
        for rule in rules
        if isinstance(rule, Alert)
    }
    for name, address in told.items():
        answer = reader.get(address)
        assert answer.status_code == 200, address
        assert f"<h1>{name}</h1>" in answer.text
        assert "<h2>Look</h2>" in answer.text
        assert re.search(r'<pre><code class="language-sh">\w', answer.text)
    print(f"{len(told)} alerts")
    assert len(told) >= 40


def test_every_link_of_every_page_leads_somewhere(reader: httpx.Client) -> None:
    seen: dict[str, int] = {}
    waiting = [INDEX]
    while waiting:
        path = waiting.pop()
        answer = reader.get(path)
        seen[path] = answer.status_code
        if answer.headers["content-type"].startswith("text/html") and path.startswith(INDEX):
            found = re.findall(r'(?:href|src)="(?!data:)([^"]+)"', answer.text)
            waiting += [
                each
                for each in {urljoin(path, unescape(link)) for link in found}
                if each not in seen and each not in waiting
            ]
    wrong = {path: status for path, status in seen.items() if status != 200}
    pages = {path for path in seen if path.endswith(".md")}
    print(f"{len(seen)} addresses, {len(pages)} pages; wrong: {wrong}")
    assert wrong == {}
    assert {path.removeprefix(INDEX) for path in pages} == {
        path.name for path in FOLDER.glob("*.md") if path.name != "README.md"
    }


@pytest.mark.parametrize(
    "name", ["NoSuchAlert.md", "a/b.md", "<b>bold.md", "Watchdog.md/", "Watchdog.txt"]
)
def test_a_name_that_is_not_there_says_what_there_is(name: str, reader: httpx.Client) -> None:
    answer = reader.get(f"{INDEX}{name}")
    print(answer.text[:600])
    assert answer.status_code == 404
    assert "There is no runbook" in answer.text
    assert "<b>" not in answer.text
    (there,) = re.findall(r'href="([^"]*/?Watchdog\.md)"', answer.text)
    assert reader.get(urljoin(str(answer.url), there)).status_code == 200
    assert answer.text.count("<li>") == len(list(FOLDER.glob("*.md"))) - 1


@pytest.mark.parametrize(
    "name",
    [
        "../adr/README.md", "..%2Fadr%2FREADME.md", "%2e%2e/adr/README.md", "..%5Cadr%5CREADME.md",
        "%2Fetc%2Fhostname", str(FOLDER / "Watchdog.md").replace("/", "%2F"), "*.md", "%00.md",
    ],
)  # fmt: skip
def test_nothing_else_can_be_read(name: str, site: Site, reader: httpx.Client) -> None:
    assert (FOLDER / "../adr/README.md").is_file()
    # The path as it stands here: the client would tidy it.
    target = f"{urlsplit(site.url).path}{INDEX}{name}".encode()
    answer = reader.get("/", extensions={"target": target})
    print(answer.status_code, answer.text[:200])
    assert answer.status_code in {400, 404}
    assert "Decisions" not in answer.text


def test_who_is_not_logged_in_is_sent_to_the_login(site: Site) -> None:
    for name in ("", "Watchdog.md", "NoSuchAlert.md"):
        answer = httpx.get(f"{site.url}{INDEX}{name}")
        print(answer.headers["location"])
        assert answer.status_code == 302
        assert answer.headers["location"].endswith(
            f"/auth/login/?next=%2Fplatform%2Frunbooks%2F{name}"
        )


def test_tags_in_a_runbook_stay_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from updraft.platform import runbooks  # noqa: PLC0415 -- imports Airflow

    monkeypatch.setattr(runbooks, "_FOLDERS", (tmp_path,))
    (tmp_path / "Bad.md").write_text("# Bad\n\n<script>x</script> [y](javascript:x) $up ${body}\n")
    text, found = runbooks.page("Bad.md")
    print(text)
    assert found
    body = text.partition("<main")[2]
    assert "<script" not in body
    assert "href" not in body
    assert "$up ${body}" in body


@pytest.mark.parametrize(
    ("base", "address", "page"),
    [
        ("", "http://api-server:8080/platform/runbooks/Watchdog.md", "runbooks/Watchdog.md"),
        ("", "https://git.example.com/data/docs/platform/runbooks/Watchdog.md", ""),
        ("https://a/air", "https://b/air/platform/runbooks/Watchdog.md", "runbooks/Watchdog.md"),
        ("https://a/air", "https://b/platform/runbooks/Watchdog.md", ""),
        ("", "https://a.example.com/platform/runbooks/NotOurs.md", ""),
    ],
)  # fmt: skip
def test_only_an_address_of_the_platform_itself_is_its_own(
    base: str, address: str, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from updraft.platform import runbooks  # noqa: PLC0415 -- imports Airflow

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    assert runbooks.own(address) == page


def test_an_installation_without_runbooks_says_who_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from updraft.platform import runbooks  # noqa: PLC0415 -- imports Airflow

    monkeypatch.setattr(runbooks, "_FOLDERS", (tmp_path / "none",))
    text, found = runbooks.page("")
    print(text)
    assert not found
    assert "the platform's image has them" in text
    assert runbooks.own("https://airflow.example.com/platform/runbooks/Watchdog.md") == ""


def test_from_airflows_frame_a_runbook_opens_in_it_and_leads_back(visit: Open) -> None:
    page = visit("/plugin/platform", theme="dark")
    frame = page.frame_locator("iframe")
    row = frame.locator('[data-panel="alerts"] tbody tr', has_text=re.compile("^Quota"))
    row.get_by_role("link", name="what to do").click()
    frame.get_by_role("heading", name="AirflowQuotaNearlyFull").wait_for()
    frame.locator("html.dark").wait_for()
    frame.get_by_role("link", name="All runbooks").click()
    frame.get_by_role("heading", name="Runbooks").wait_for()
    frame.get_by_role("link", name="Platform").click()
    row.wait_for()


@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROW], ids=["desktop", "phone", "narrow"])
def test_a_runbook_fits_its_window(visit: Open, size: tuple[int, int]) -> None:
    longest = max(FOLDER.glob("*.md"), key=lambda page: max(map(len, page.open())))
    page = visit(f"{INDEX}{longest.name}", size=size)
    page.get_by_role("heading", name=longest.stem).wait_for()
    assert has_no_overflow(page)
    assert page.locator("pre").bounding_box()["width"] <= size[0]
