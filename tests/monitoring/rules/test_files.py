"""The rules are what Prometheus takes and pint finds nothing in, whatever the options."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.root import ROOT
from monitoring import rules
from monitoring.options import Options
from monitoring.rules.model import Alert, Group, Record, scaled, seconds, spelled, window
from tests.monitoring.rules.unit import OPTIONS

Tool = Callable[[str], Path]
# Other namespaces, an hour in 72 seconds, a name that has to be quoted.
OTHERS = Options(
    control_plane="af",
    tasks="af-tasks",
    monitoring="af-watch",
    time_scale=0.02,
    metrics_retention="90d",
    task_start_seconds=60,
    teams={"data": r'etl\.[a-z]+|"x"'},
)


def _write(folder: Path, options: Options) -> Path:
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": rules.groups(options)}, sort_keys=False))
    return path


def _ran(*command: object) -> str:
    ran = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("options", [OPTIONS, OTHERS], ids=["shipped", "others"])
def test_promtool_takes_the_rules(options: Options, tool: Tool, tmp_path: Path) -> None:
    found = _ran(tool("promtool"), "check", "rules", _write(tmp_path, options))
    count = sum(len(group["rules"]) for group in rules.groups(options))
    assert f"{count} rules found" in found
    assert count > 200


def _pint(tool: Tool, folder: Path, file: Path) -> subprocess.CompletedProcess[str]:
    config = ROOT / "monitoring" / "pint.hcl"
    command = [str(tool("pint")), "--no-color", "--offline", f"--config={config}", "lint"]
    return subprocess.run(
        [*command, "--min-severity=info", "--fail-on=warning", str(file)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", [OPTIONS, OTHERS], ids=["shipped", "others"])
def test_pint_finds_nothing(options: Options, tool: Tool, tmp_path: Path) -> None:
    ran = _pint(tool, tmp_path, _write(tmp_path, options))
    assert ran.returncode == 0, ran.stderr
    count = sum(len(group["rules"]) for group in rules.groups(options))
    assert f"entries={count}" in ran.stderr


def _without_runbook(rule: dict[str, Any]) -> None:
    del rule["annotations"]["runbook_url"]


def _of_another(rule: dict[str, Any]) -> None:
    rule["annotations"]["runbook_url"] = "https://updraft.example.com/Other.md"


def _critical(rule: dict[str, Any]) -> None:
    rule["labels"]["severity"] = "critical"


def _always(rule: dict[str, Any]) -> None:
    rule["expr"] = "sum(up)"


@pytest.mark.parametrize("spoil", [_without_runbook, _of_another, _critical, _always])
def test_pint_finds_a_rule_that_is_spoilt(
    spoil: Callable[[dict[str, Any]], None], tool: Tool, tmp_path: Path
) -> None:
    groups = rules.groups(OPTIONS)
    spoil(groups[-1]["rules"][0])
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups}))
    assert _pint(tool, tmp_path, path).returncode != 0


def test_time_scale_shortens_every_wait_and_no_window_below_two_scrapes() -> None:
    shipped, short = (
        [rule for group in rules.groups(options) for rule in group["rules"] if "alert" in rule]
        for options in (Options(), Options(time_scale=0.02))
    )
    assert len(shipped) == len(short) > 50
    waits = [
        (seconds(long["for"]), seconds(brief["for"]))
        for long, brief in zip(shipped, short, strict=True)
        if "for" in long
    ]
    assert len(waits) > 25
    assert all(brief == max(1, round(long * 0.02)) for long, brief in waits)
    assert window("5m", Options(time_scale=0.02)) == "30s"
    assert window("1h", Options(time_scale=0.02)) == "72s"
    assert window("1m", Options(time_scale=0.02), scrapes=1) == "15s"
    assert scaled("10m", Options(time_scale=0.02)) == "12s"


def test_a_group_is_named_once() -> None:
    names = [group["name"] for group in rules.groups(OPTIONS)]
    assert len(names) == len(set(names)) > 10


@pytest.mark.parametrize("written", ["5", "5ms", "", "m5", "1.5h", "-5m"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(written)


def test_durations_are_spelled_in_their_largest_unit() -> None:
    assert [spelled(each) for each in (1, 90, 5400, 7200, 86400 * 3)] == [
        "1s", "90s", "90m", "2h", "3d",
    ]  # fmt: skip
    assert seconds("1h30m") == 5400


def test_a_group_is_written_as_prometheus_reads_it() -> None:
    alert = Alert("Bad", "up == 0", "5m", "page", "x", "s", "d", by_dag=True)
    group = Group("g", [Record("a:b:c", "1", {"k": "v"}), alert], "1m")
    assert group.group(Options(runbooks="https://books", time_scale=0.5)) == {
        "name": "g",
        "interval": "30s",
        "rules": [
            {"record": "a:b:c", "expr": "1", "labels": {"k": "v"}},
            {
                "alert": "Bad",
                "expr": "up == 0",
                "for": "150s",
                "labels": {"severity": "page", "component": "x"},
                "annotations": {
                    "summary": "s",
                    "description": "d",
                    "runbook_url": "https://books/Bad.md",
                },
            },
        ],
    }
