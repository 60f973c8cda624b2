"""The running stack's settings, as Pulumi's engine hands them to its program."""

from __future__ import annotations

import pulumi
from pulumi.runtime import config

from infra.settings.platform import named
from infra.settings.prefix import own_keys
from infra.settings.stack import decoded, merge


def stack_config() -> dict[str, object]:
    """Return {area: object}; secrets are in plain text here, and typed as secrets by `load`.

    Pulumi's own Config has no list of keys, and an unknown one has to be refused.
    """
    everything = {**config.get_config_env(), **config.CONFIG.get()}
    own = own_keys(everything, where="the stack's configuration")
    given = {area: decoded(everything[key]) for area, key in own.items()}
    return merge(named(pulumi.get_project(), pulumi.get_stack()), given)
