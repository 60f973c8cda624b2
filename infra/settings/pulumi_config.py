"""The running stack's settings, as Pulumi's engine hands them to its program."""

from __future__ import annotations

import json

from pulumi.runtime import config

from infra.settings import PROJECT


def stack_config() -> dict[str, object]:
    """Return {area: object}; secrets are in plain text here, and typed as secrets by `load`.

    Pulumi's own Config has no list of keys, and an unknown one has to be refused.
    """
    prefix = f"{PROJECT}:"
    everything = {**config.get_config_env(), **config.CONFIG.get()}
    return {
        key.removeprefix(prefix): _value(text)
        for key, text in everything.items()
        if key.startswith(prefix)
    }


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
