"""The running stack's settings, as Pulumi's engine hands them to its program."""

from __future__ import annotations

import json

from pulumi.runtime import config

from infra.settings.prefix import own_keys


def stack_config() -> dict[str, object]:
    """Return {area: object}; secrets are in plain text here, and typed as secrets by `load`.

    Pulumi's own Config has no list of keys, and an unknown one has to be refused.
    """
    everything = {**config.get_config_env(), **config.CONFIG.get()}
    own = own_keys(everything, where="the stack's configuration")
    return {area: _value(everything[key]) for area, key in own.items()}


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
