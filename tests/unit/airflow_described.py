"""The options that Airflow and its providers describe, read from their own descriptions.

`python -m tests.unit.airflow_described` writes the list of the harmless ones anew.
"""

from __future__ import annotations

import importlib.util
import re
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.settings.airflow_options import is_secret
from infra.settings.described import HARMLESS_FILE

# Texts into which a login or a key is put, whatever the option is called.
_OPEN = re.compile(r"(kwargs|args|_users)$")
_SITE = Path(sysconfig.get_paths()["purelib"])


def described() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield section, option and description of each."""
    core = yaml.safe_load((_SITE / "airflow/config_templates/config.yml").read_text())
    for config in (core, *_providers()):
        for section, about in config.items():
            for option, text in about["options"].items():
                yield section, option, text


def _providers() -> Iterator[Mapping[str, Any]]:
    for path in sorted((_SITE / "airflow/providers").glob("**/get_provider_info.py")):
        spec = importlib.util.spec_from_file_location("described", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module.get_provider_info().get("config") or {}


def harmless() -> list[str]:
    """Return those that hold no secret: numbers and switches, and texts that aren't sensitive."""
    return sorted(
        f"{section}.{option}"
        for section, option, about in described()
        if not about.get("sensitive") and not is_secret(option) and not _OPEN.search(option)
    )


if __name__ == "__main__":
    HARMLESS_FILE.write_text("\n".join(harmless()) + "\n")
