"""What people read is filled in: the value, and which DAG, pod or queue it is about."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from monitoring import rules
from monitoring.options import Options
from tests.monitoring import servers
from tests.monitoring.rules.cases import CASES
from tests.monitoring.rules.unit import HEALTHY, Case, Promtool
from tests.waiting import wait_for

# The first of each alert.
FIRST = list({case.alert: case for case in reversed(CASES)}.values())


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_an_alert_is_told_with_its_value_and_its_place(case: Case, promtool: Promtool) -> None:
    series = {**HEALTHY, **case.fault}
    test = {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values} for name, values in series.items() if values
        ],
        # Nothing is expected, so promtool shows what it got.
        "alert_rule_test": [{"alertname": case.alert, "eval_time": f"{case.fires}m"}],
    }
    shown = promtool.run(case.alert, [test])
    told = re.search(r'summary="((?:[^"\\]|\\.)*)"', shown)
    assert told, shown
    print(told[1])
    annotations = shown.partition("Annotations:")[2]
    assert annotations
    assert "{{" not in annotations
    assert "error expanding" not in annotations
    assert "<no value>" not in annotations
    assert re.search(r"\d", told[1]), "no value in the summary"
    for name in {"dag_id", "pod", "pool", "file_path"} & set(case.labels):
        assert case.labels[name] in annotations


def test_prometheus_itself_evaluates_every_rule(
    tool: Callable[[str], Path], tmp_path: Path
) -> None:
    options = Options(time_scale=0.01, scrape_interval="1s")
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": rules.groups(options)}))
    config = tmp_path / "prometheus.yml"
    config.write_text(
        yaml.safe_dump(
            {"global": {"evaluation_interval": "1s"}, "rule_files": [str(tmp_path / "rules.yaml")]}
        )
    )

    def evaluated(url: str) -> list[dict[str, Any]]:
        groups = httpx.get(f"{url}/api/v1/rules", trust_env=False).json()["data"]["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        return [] if any(rule["health"] == "unknown" for rule in found) else found

    def firing(url: str) -> set[str]:
        alerts = httpx.get(f"{url}/api/v1/alerts", trust_env=False).json()["data"]["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    with servers.prometheus(tool("prometheus"), tmp_path, config) as url:
        found = wait_for(lambda: evaluated(url), 60, "every rule to be evaluated")
        broken = [(rule["name"], rule["lastError"]) for rule in found if rule["health"] != "ok"]
        # Nobody asks any exporter: that must not look like health.
        blind = {"AirflowExporterDown", "AirflowStatsdExporterDown", "AirflowTargetDown"}
        wait_for(lambda: blind | {"Watchdog"} <= firing(url), 60, "blindness to be told")
        assert firing(url) == blind | {"Watchdog"}
    assert broken == []
    assert len(found) > 200
    slowest = max(found, key=lambda rule: rule["evaluationTime"])
    print(f"{len(found)} rules, the slowest {slowest['name']}, {slowest['evaluationTime']:.4f} s")
