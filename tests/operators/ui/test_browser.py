"""What people see of a task in Airflow's own pages, with a real browser."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.operators.ui.site import Site
from tests.waiting import wait_for

DAGS = Path(__file__).parent / "dags"
SOURCE = "https://git.example.com/shop/blob/{}/dags/{}"


@pytest.fixture(scope="module")
def first(site: Site) -> str:
    """The commit that is there at first; both DAGs are known."""
    commit = site.remote.git("rev-parse", "HEAD")
    for dag_id in ("shop", "newest"):
        known = partial(site.version, dag_id)
        assert wait_for(known, 60, f"the DAG {dag_id}") == commit
    return commit


@pytest.fixture(scope="module")
def run_id(site: Site, first: str) -> str:  # noqa: ARG001 -- before
    return site.run("shop")


def links(page: Any, site: Site, dag_id: str, run_id: str, task_id: str) -> dict[str, str]:
    """Return what a task instance's page shows below Extra Links: text and address."""
    page.goto(f"{site.url}/dags/{dag_id}/runs/{quote(run_id)}/tasks/{task_id}/details")
    page.get_by_role("heading", name="Extra Links").wait_for()
    found = page.locator('a[rel~="noopener"][href*="example.com"]').all()
    shown = {each.inner_text(): each.get_attribute("href") for each in found}
    print(task_id, shown)
    return shown


def milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def test_a_task_has_its_links(site: Site, page: Any, first: str, run_id: str) -> None:
    task = site.task("shop", run_id, "totals")
    host = task["hostname"]
    start, end = (milliseconds(task[name]) for name in ("start_date", "end_date"))
    assert host
    assert links(page, site, "shop", run_id, "totals") == {
        "Dashboard": f"https://grafana.example.com/d/tasks?dag=shop&run={quote(run_id, safe='')}"
        "&task=totals&try=1&item=-1",
        "Log": f"https://loki.example.com/?q=%22{host}%22&f={start}&t={end}",
        "Pod": f"https://pods.example.com/airflow-tasks/{host}",
        "Source": SOURCE.format(first, "shop.py"),
    }


def test_a_task_that_never_ran_has_no_link_to_a_pod(site: Site, page: Any, run_id: str) -> None:
    assert site.task("shop", run_id, "never")["state"] == "upstream_failed"
    assert links(page, site, "shop", run_id, "never").keys() == {"Dashboard", "Source"}


@pytest.mark.usefixtures("first")
def test_a_run_without_a_commit_of_its_own_has_no_link_to_the_source(site: Site, page: Any) -> None:
    shown = links(page, site, "newest", site.run("newest"), "hello")
    assert shown.keys() == {"Dashboard", "Log", "Pod"}


def test_sql_is_shown_as_it_ran(site: Site, page: Any, run_id: str) -> None:
    page.goto(f"{site.url}/dags/shop/runs/{quote(run_id)}/tasks/totals/rendered_templates")
    code = page.locator("code", has_text="SELECT")
    code.wait_for()
    shown = str(code.text_content())
    print(shown)
    assert "SELECT count(*) AS sold FROM orders WHERE run =" in shown
    assert shown.endswith(f"= '{run_id}'")


@pytest.mark.parametrize(
    ("path", "text", "bold"),
    [
        ("dags/shop", "Look at it: SQL", "a failure"),
        ("dags/shop/tasks/totals", "Adds up every order", "every order"),
        ("dags/shop/tasks/never", "Never runs, since", "since"),
    ],
)
@pytest.mark.usefixtures("first")
def test_documentation_is_a_click_away_and_rendered(
    site: Site, page: Any, path: str, text: str, bold: str
) -> None:
    page.goto(f"{site.url}/{path}")
    # The book; a DAG's is "Dag Docs", a task's "Documentation".
    page.get_by_role("button", name=re.compile("^(Dag Docs|Documentation)$")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(text).wait_for()
    print(dialog.inner_text())
    assert dialog.locator("strong", has_text=bold).count() == 1


def test_links_keep_to_the_commit_that_ran(site: Site, page: Any, first: str, run_id: str) -> None:
    path = f"dags/shop/dagRuns/{run_id}"
    text = (DAGS / "shop.py").read_text()
    second = site.commit(text.replace("broken on purpose", "still broken"), "shop.py")
    wait_for(lambda: site.version("shop") == second, 60, "the second commit")
    # A push changes nothing about what ran.
    assert links(page, site, "shop", run_id, "totals")["Source"] == SOURCE.format(first, "shop.py")
    assert site.api(path)["bundle_version"] == first

    site.api("dags/shop/clearTaskInstances", {"dry_run": False, "dag_run_id": run_id,
        "task_ids": ["breaks"], "only_failed": True, "include_downstream": True})  # fmt: skip
    wait_for(lambda: site.api(path)["state"] == "failed", 60, "the second try")
    assert site.task("shop", run_id, "breaks")["try_number"] == 2
    assert "still broken" in site.log("shop", run_id, "breaks", 2)
    # Whoever clears a task wants what was pushed meanwhile.
    shown = links(page, site, "shop", run_id, "breaks")
    assert shown["Source"] == SOURCE.format(second, "shop.py")
    # Of what ran before the run was moved, Airflow has forgotten the commit: no link, no lie.
    assert "Source" not in links(page, site, "shop", run_id, "totals")
    assert site.links("shop", run_id, "breaks", 1)["Source"] is None
    assert site.links("shop", run_id, "breaks", 1)["Pod"]


def test_the_log_tells_the_commit_that_ran(site: Site, first: str, run_id: str) -> None:
    assert first in site.log("shop", run_id, "totals", 1)
