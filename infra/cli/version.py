"""Which version of Updraft a platform runs, beside the one that this checkout would deploy."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from typing import Any

from infra import versions
from infra.cli.platform import Platform
from infra.values import names

# It did not write its version anywhere yet.
_OLDEST = "0.1"


def describe(platform: Platform) -> str:
    """The deployed version, and the checkout's where that is another one."""
    selected = f"--field-selector=metadata.name={names.TASK_CONFIG}"
    found = platform.kubectl.items("configmaps", "-n", platform.tasks_namespace, selected)
    return compare(found[0].get("data", {}) if found else {})


def compare(files: Mapping[str, Any]) -> str:
    """The same, of the files that a task pod is configured by; none where nothing is deployed."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(files.get("airflow.cfg", ""))
    deployed = parser.get("updraft", "version", fallback=_OLDEST) if files else "not deployed"
    if deployed == versions.UPDRAFT:
        return deployed
    return f"{deployed}; this checkout is {versions.UPDRAFT}, which make up deploys"
