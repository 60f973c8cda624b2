"""No table of the page breaks its words or stands on its head, whatever the width of the window.

The alerts are the shipped rules' own, each with the longest values that its labels have in use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from monitoring.options import Options
from monitoring.rules import sources
from monitoring.rules.model import Alert
from tests.operators.platform.look import has_no_overflow, statuses
from tests.operators.platform.site import Site
from tests.waiting import wait_for

Open = Callable[..., Any]
WIDTHS = (1920, 1440, 1280, 1024, 768, 390, 320)
# What a label or a value becomes in the alert's text.
LABELS = {
    "dag_id": "billing",
    "persistentvolumeclaim": "prometheus-data-prometheus-0",
    "pod": "warehouse-nightly-load-partition-0a1b2c3d4e5f",
    "container": "statsd-exporter",
    "file_name": "warehouse_nightly_partitions.py",
    "file_path": "/opt/airflow/dags/finance/warehouse_nightly_partitions.py",
}
# Of each cell that can be seen: its text, the lines that it takes, and the words that it breaks.
MEASURE = """() => {
    const rows = [...document.querySelectorAll("main:not([hidden]) table tr")];
    const shown = (each) =>
        each.getClientRects().length && getComputedStyle(each).clipPath === "none";
    return rows.filter((row) => shown(row) && shown(row.parentElement)).map((row) => {
        const table = row.closest("table");
        const cells = [...row.cells].map((cell) => {
            const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
            const tops = new Set(), broken = [];
            let text = "";
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                text += node.data;
                for (const word of node.data.matchAll(/\\S+/g)) {
                    const range = document.createRange();
                    range.setStart(node, word.index);
                    range.setEnd(node, word.index + word[0].length);
                    const tall = [...range.getClientRects()].map((each) => Math.round(each.top));
                    tall.forEach((each) => tops.add(each));
                    if (new Set(tall).size > 1) broken.push(word[0]);
                }
            }
            const over = cell.scrollWidth - cell.clientWidth;
            return { text: text.trim(), lines: tops.size, broken, over };
        });
        const scrolls = table.parentElement.classList.contains("scroll");
        const panel = table.closest(".panel").getBoundingClientRect();
        return {
            panel: table.closest(".panel").dataset.panel, cells,
            out: scrolls ? 0 : Math.round(table.getBoundingClientRect().right - panel.right),
            height: row.getBoundingClientRect().height,
            isCard: getComputedStyle(row).display === "block",
        };
    });
}"""
# A longer word, such as a run's id, may break.
WORD = 18
# Characters that a line holds at least, on average, where a text takes several; on less than a
# phone's width the three columns of a small table leave no room for as many.
LINE, LINE_FROM = 14, 390
# Pixels of a row: four lines of a table; twelve of a card, which has one for each cell.
ROW, CARD = 4 * 21 + 12, 12 * 21 + 24


def firing() -> list[dict[str, Any]]:
    """Each shipped alert once, as Alertmanager gets it."""
    began = datetime.now(UTC) - timedelta(days=1, hours=5, minutes=59, seconds=58)
    rules = [rule for group in sources(Options()) for rule in group.rules]
    found = []
    for rule in {each.name: each for each in rules if isinstance(each, Alert)}.values():
        shipped = rule.rule(Options())
        labels = {"alertname": rule.name, **shipped["labels"], "cluster": "updraft"}
        if rule.by_dag:
            labels |= {"dag_id": "billing", "team": "unassigned"}
        annotations = {name: _filled(text) for name, text in shipped["annotations"].items()}
        found.append(
            {"labels": labels, "annotations": annotations, "startsAt": began.isoformat()}
        )  # fmt: skip
    return found


def _filled(text: str) -> str:
    """A template as an alert that fires has it."""

    def label(match: re.Match[str]) -> str:
        return LABELS.get(match[1], "deployment-of-the-warehouse-0")

    text = re.sub(r"\{\{ *\$labels\.(\w+)[^}]*\}\}", label, text)
    text = re.sub(r"\{\{ *\$value \| humanizeDuration *\}\}", "1d 2h 13m 54s", text)
    return re.sub(r"\{\{[^}]*\}\}", "99.99k", text)


@pytest.fixture(scope="module")
def alerts(site: Site, alertmanager: str) -> Iterator[list[dict[str, Any]]]:
    given = firing()
    httpx.post(f"{alertmanager}/api/v2/alerts", json=given).raise_for_status()

    def arrived() -> bool:
        return len(site.ask("alerts", "admin")["rows"]) >= len(given) - 1  # without the Watchdog

    wait_for(arrived, 30, "the alerts")
    yield given
    past = [{**each, "endsAt": datetime.now(UTC).isoformat()} for each in given]
    httpx.post(f"{alertmanager}/api/v2/alerts", json=past).raise_for_status()


@pytest.mark.parametrize("query", ["", "?dag_id=billing&task_id=bill"], ids=["platform", "task"])
def test_no_table_breaks_its_words_or_grows_tall(
    visit: Open, alerts: list[dict[str, Any]], query: str
) -> None:
    page = visit(f"/platform/{query}")
    found = statuses(page)
    print(found)
    assert set(found.values()) == {"ok"}
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        # A chart follows its panel a frame later.
        page.wait_for_timeout(200)
        assert has_no_overflow(page)
        rows = page.evaluate(MEASURE)
        panels = {row["panel"] for row in rows}
        tallest = max(row["height"] for row in rows)
        print(f"{width}: {len(rows)} rows of {sorted(panels)}; tallest {tallest:.0f}")
        assert panels >= ({"task"} if query else {"alerts", "control", "failures", "quota"})
        assert query or sum(row["panel"] == "alerts" for row in rows) >= len(alerts) - 1
        wrong += [f"{width}: {fault}" for row in rows for fault in faults(row, width)]
    print(*wrong[:20], sep="\n")
    assert wrong == []


def faults(row: dict[str, Any], width: int) -> Iterator[str]:
    """What is wrong with a row in a window of that width."""
    least = LINE if width >= LINE_FROM else 0
    where = f"{row['panel']}: {row['cells'][0]['text']}"
    if row["out"] > 0:
        yield f"{where}: {row['out']} px beyond its panel"
    if row["height"] > (CARD if row["isCard"] else ROW):
        yield f"{where}: {row['height']:.0f} px tall"
    for cell in row["cells"]:
        if cell["over"] > 0:
            yield f"{where}: {cell['text']!r} is {cell['over']} px too wide for its cell"
        if short := [each for each in cell["broken"] if len(each) <= WORD]:
            yield f"{where}: breaks {short}"
        if cell["lines"] > 1 and len(cell["text"]) / cell["lines"] < least:
            yield f"{where}: {cell['text']!r} in {cell['lines']} lines"
