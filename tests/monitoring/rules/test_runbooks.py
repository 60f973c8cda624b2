"""Every alert has its runbook, and a runbook's commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.cli.components import COMPONENTS
from infra.root import ROOT
from monitoring.metric_names import series
from monitoring.rules import sources
from monitoring.rules.model import Alert, Record
from tests.monitoring.metrics.promql import uses
from tests.monitoring.rules.unit import OPTIONS

FOLDER = ROOT / "docs" / "runbooks"
RULES = [rule for group in sources(OPTIONS) for rule in group.rules]
ALERTS = {rule.name: rule for rule in RULES if isinstance(rule, Alert)}
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def index() -> list[str]:
    """What the README's list is: alerts in the order of the rules, each with who is told."""
    severities = {
        name: sorted(
            {rule.severity for rule in RULES if isinstance(rule, Alert) and rule.name == name}
        )
        for name in ALERTS
    }
    return [f"- [{name}]({name}.md): {', '.join(told)}" for name, told in severities.items()]


def test_there_is_a_page_for_each_alert_and_for_nothing_else() -> None:
    assert {path.stem for path in PAGES} == set(ALERTS)
    assert len(PAGES) >= 40


def test_the_index_lists_them_in_the_order_of_the_rules() -> None:
    lines = (FOLDER / "README.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("- [")] == index()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_means_how_to_look_and_how_to_fix(page: Path) -> None:
    text = page.read_text()
    head = re.match(rf"# {page.stem}\n\n\S.{{60,}}", text, re.S)
    assert head, f"{page.name} does not begin with what the alert means"
    assert re.findall(r"^## (.*)$", text, re.M) == ["Look", "Fix"]
    assert len(text.splitlines()) <= 50, f"{page.name} is too long to read at night"
    commands = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    assert len(commands) == 1
    assert re.search(r"^(make|kubectl|promtool|amtool) ", commands[0], re.M)
    assert len(re.findall(r"^- ", text.partition("## Fix")[2], re.M)) >= 2


def test_a_page_that_needs_kubectl_names_its_cluster_first() -> None:
    needing = 0
    for page in PAGES:
        text = page.read_text()
        first = re.findall(r"^```sh\n(.*)$", text, re.M)[0]
        is_named = first.startswith('eval "$(make env)"')
        assert is_named == ("kubectl" in text), page.name
        needing += is_named
    print(f"{needing} of {len(PAGES)} pages")
    assert needing > len(PAGES) / 2


def test_every_link_leads_to_a_page_beside_it() -> None:
    """So that it works in the repository, below alerts.runbooks, and in Airflow's UI alike."""
    links = [
        (page.name, link)
        for page in (*PAGES, FOLDER / "README.md")
        for link in re.findall(r"\]\(([^)]*)\)", page.read_text())
    ]
    there = {page.name for page in PAGES}
    print(f"{len(links)} links")
    assert len(links) > len(PAGES)
    assert [(page, link) for page, link in links if link not in there] == []


def test_a_word_to_fill_in_is_one_that_the_readme_names_or_the_page_explains() -> None:
    readme = (FOLDER / "README.md").read_text()
    known = set(re.findall(r"`([A-Z_]+)`", readme.partition("for you to fill in")[2].split(".")[0]))
    found = set()
    for page in PAGES:
        (block,) = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S)
        words = set(re.findall(r"(?<![\w$:.])[A-Z][A-Z_]{2,}\b(?![=:\w])", block))
        explained = set(re.findall(r"\b([A-Z_]{3,}) is\b", block))
        assert words - known <= explained, f"{page.name}: {words - known - explained}"
        found |= words
    print(found, "of which everywhere:", known)
    assert known <= found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    assert set(re.findall(r"(?:^|`|\$\()make ([a-z-]+)", text, re.M)) <= TARGETS
    assert set(re.findall(r"\bLOG=([a-z-]+)", text)) <= set(COMPONENTS)
    links = set(re.findall(r"\]\((\w+)\.md\)", text))
    assert page.stem not in links
    assert links <= set(ALERTS)
    named = {rule.name for rule in RULES if isinstance(rule, Record)}
    for query in re.findall(r"query instant \S+ '(.*)'$", text, re.M):
        names = {name for name, _ in uses(query.replace("DAG_ID", "a"))}
        ours = {name for name in names if re.match("updraft|airflow|slo", name)}
        assert ours <= named | set(series()), f"{page.name}: {ours - named}"


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_its_value_where_it_is_and_what_to_do(name: str) -> None:
    for rule in (rule for rule in RULES if isinstance(rule, Alert) and rule.name == name):
        shipped = rule.rule(OPTIONS)
        told = shipped["annotations"]
        assert "$value" in told["summary"]
        assert told["runbook_url"] == f"{OPTIONS.runbooks}/{name}.md"
        assert {"severity", "component", "area"} <= set(shipped["labels"])
        assert shipped["labels"]["severity"] in {"page", "ticket", "none"}
        assert len(told["summary"]) < 140
        assert told["description"].endswith(".")
        assert name == "Watchdog" or re.fullmatch(r"Airflow([A-Z][a-z]+)+", name)
        if rule.by_dag:
            assert "$labels.dag_id" in told["summary"] + told["description"]
            assert "team" in shipped["labels"]
