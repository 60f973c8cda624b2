"""Alertmanager with the shipped configuration, a hundred times faster, and who it tells."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.alertmanager import Receiver, config
from tests.monitoring import servers
from tests.monitoring.alertmanager.receiver import OPTIONS, Mailbox, mailbox


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Give a receiver."""
    with mailbox() as found:
        yield found


@pytest.fixture
def running(alertmanager: Path, box: Mailbox, tmp_path: Path) -> Iterator[str]:
    """Give the address of an Alertmanager that tells the receiver of everything."""
    secret = tmp_path / "webhook"
    secret.write_text(box.url)
    everything = Receiver("webhook", str(tmp_path), ("page", "ticket", "watchdog"))
    written = config(OPTIONS, [everything])
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(_understood(alertmanager, written)))
    with servers.alertmanager(alertmanager, tmp_path, file) as url:
        yield url


def _understood(program: Path, written: dict[str, Any]) -> dict[str, Any]:
    """Before 0.26 a webhook's address is not read from a file."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr)
    assert version
    if (int(version[1]), int(version[2])) >= (0, 26):
        return written
    for receiver in written["receivers"]:
        for webhook in receiver.get("webhook_configs", []):
            webhook["url"] = Path(webhook.pop("url_file")).read_text()
    return written
