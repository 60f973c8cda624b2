"""What the platform's settings tell the package: the section [updraft] of airflow.cfg."""

from __future__ import annotations

import json
from typing import Any

from airflow.sdk.configuration import conf

from updraft.errors import ConfigurationError

SECTION = "updraft"


def text(option: str, default: str = "") -> str:
    """Return an option's text, or the default where nothing sets it.

    Args:
        option: Its name; the environment variable AIRFLOW__UPDRAFT__<OPTION> overrides the file.
        default: For an installation without Updraft's platform, such as an author's laptop.
    """
    return str(conf.get(SECTION, option, fallback=default))


def json_object(option: str) -> dict[str, Any]:
    """Return an option's JSON object, empty where nothing sets it.

    Raises:
        ConfigurationError: It is not a JSON object.
    """
    found = text(option, "{}")
    try:
        value = json.loads(found)
    except ValueError as error:
        value, reason = None, f": {error}"
    else:
        reason = ""
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"a setting is not a JSON object{reason}",
            where=f"[{SECTION}] {option}",
            fix="deploy the platform again; the option is written by its program",
        )
    return value
