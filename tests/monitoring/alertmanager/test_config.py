"""Alertmanager's configuration is valid, holds no secret, and names alerts that there are."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.alertmanager import NOBODY, Receiver, config
from monitoring.options import Options
from tests.monitoring.alertmanager.receiver import RULES

SECRETS = "/etc/alertmanager-secrets"
WEBHOOK = Receiver("webhook", SECRETS, ("page", "ticket", "watchdog"))
SLACK = Receiver("slack", SECRETS, channel="#data-platform")
PAGERDUTY = Receiver("pagerduty", SECRETS, ("page",))
EMAIL = Receiver(
    "email",
    SECRETS,
    ("ticket",),
    to="platform@example.com",
    sender="alerts@example.com",
    smarthost="mail.example.com:587",
    username="alerts",
)
ALL = (WEBHOOK, SLACK, PAGERDUTY, EMAIL)
Tool = Callable[[str], Path]


def _amtool(tool: Tool, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(tool("amtool")), *(str(each) for each in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _written(folder: Path, receivers: Sequence[Receiver], options: Options | None = None) -> Path:
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config(options or Options(), receivers)))
    return path


@pytest.mark.parametrize("receivers", [ALL, (SLACK,), ()], ids=["all", "one", "none"])
@pytest.mark.parametrize("scale", [1, 0.01])
def test_amtool_takes_it(
    receivers: Sequence[Receiver], scale: float, tool: Tool, tmp_path: Path
) -> None:
    ran = _amtool(tool, "check-config", _written(tmp_path, receivers, Options(time_scale=scale)))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "SUCCESS" in ran.stdout


def test_amtool_refuses_what_alertmanager_would(tool: Tool, tmp_path: Path) -> None:
    path = _written(tmp_path, [Receiver("email", SECRETS)])
    assert _amtool(tool, "check-config", path).returncode != 0


@pytest.mark.parametrize(
    ("receivers", "severity", "told"),
    [
        (ALL, "page", "page"),
        (ALL, "ticket", "ticket"),
        (ALL, "none", "watchdog"),
        ((PAGERDUTY,), "ticket", NOBODY),
        ((SLACK,), "none", NOBODY),
        ((), "page", NOBODY),
        # Not one of ours.
        (ALL, "critical", NOBODY),
    ],
)
def test_a_severity_goes_to_who_asked_for_it(
    receivers: Sequence[Receiver], severity: str, told: str, tool: Tool, tmp_path: Path
) -> None:
    file = f"--config.file={_written(tmp_path, receivers)}"
    ran = _amtool(tool, "config", "routes", "test", file, f"severity={severity}")
    assert ran.stdout.strip() == told, ran.stderr


def test_a_receiver_tells_by_all_ways_that_asked_for_it() -> None:
    found = {
        each["name"]: sorted(key for key in each if key != "name")
        for each in config(Options(), ALL)["receivers"]
    }
    assert found == {
        NOBODY: [],
        "page": ["pagerduty_configs", "slack_configs", "webhook_configs"],
        "ticket": ["email_configs", "slack_configs", "webhook_configs"],
        "watchdog": ["webhook_configs"],
    }


def test_every_secret_is_read_from_a_file_of_its_receivers_name() -> None:
    keys: dict[str, set[str]] = {}

    def walk(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else ():
            assert key not in {"url", "api_url", "routing_key", "auth_password"}
            if isinstance(value, str) and value.startswith(SECRETS):
                keys.setdefault(key, set()).add(value)
            walk(value)
        for each in node if isinstance(node, list) else ():
            walk(each)

    walk(config(Options(), ALL))
    assert keys == {
        "url_file": {f"{SECRETS}/webhook"},
        "api_url_file": {f"{SECRETS}/slack"},
        "routing_key_file": {f"{SECRETS}/pagerduty"},
        "auth_password_file": {f"{SECRETS}/email"},
    }


def test_what_silences_and_is_silenced_is_there() -> None:
    names = {rule.name for rule in RULES}
    values = {key: {rule.labels.get(key, "") for rule in RULES} for key in ("area", "slo")}
    values |= {"severity": {rule.severity for rule in RULES}, "alertname": names}
    looked_at = 0
    for inhibition in config(Options(), ())["inhibit_rules"]:
        for matcher in (*inhibition["source_matchers"], *inhibition["target_matchers"]):
            found = re.fullmatch(r'(\w+)(=~|!=|=)"(.*)"', matcher)
            assert found, matcher
            if found[1] == "job":
                continue
            for value in found[3].split("|"):
                assert value in values[found[1]], f"{matcher}: no alert has {value}"
                looked_at += 1
    assert looked_at > 20
