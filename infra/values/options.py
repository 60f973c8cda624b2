"""Options of airflow.cfg that a stack sets: where anybody may read them, and where nobody may.

What is known to hold no secret goes to ConfigMaps, and so to each task. Everything else, options
that nobody has heard of too, goes to one Secret of the control plane, as variables.
"""

from __future__ import annotations

import hashlib
import json

from infra.settings import Settings
from infra.settings.described import HARMLESS
from infra.settings.hidden import holds_secret, looks_secret

Config = dict[str, dict[str, str]]


def is_harmless(section: str, option: str, value: str) -> bool:
    """Whether anybody may read an option: it is known to hold no secret, nor does its value."""
    known = f"{section}.{option}" in HARMLESS
    return known and not holds_secret(value) and not looks_secret(value, hashes=True)


def harmless(settings: Settings) -> Config:
    """Return the stack's own options that anybody may read."""
    return _chosen(settings, harmless=True)


def hidden(settings: Settings) -> dict[str, str]:
    """Return the others, as variables of the control plane's environment."""
    return _variables(_chosen(settings, harmless=False))


def hidden_for_tasks(settings: Settings) -> dict[str, str]:
    """Return those of the others that the settings name as the tasks', as variables."""
    named = set(settings.tasks.config)
    return _variables(
        {
            section: {key: value for key, value in below.items() if f"{section}.{key}" in named}
            for section, below in _chosen(settings, harmless=False).items()
        }
    )


def digest(variables: dict[str, str]) -> str:
    """Return 12 characters that differ where the variables differ."""
    text = json.dumps(variables, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _chosen(settings: Settings, *, harmless: bool) -> Config:
    return {
        section: {
            key: value
            for key, value in below.items()
            if is_harmless(section, key, value) == harmless
        }
        for section, below in settings.airflow.config.items()
    }


def _variables(config: Config) -> dict[str, str]:
    # Of a variable Airflow expands no percent sign, which is doubled for airflow.cfg.
    return {
        f"AIRFLOW__{section.replace('.', '_').upper()}__{key.upper()}": value.replace("%%", "%")
        for section, below in sorted(config.items())
        for key, value in sorted(below.items())
    }
