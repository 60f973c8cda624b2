"""The keys `updraft:<area>` among a stack's others, and those that were meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from infra.errors import UpdraftError
from infra.settings import PROJECT, Settings
from infra.settings.hidden import shown

# Letters in common, as a share, from which on a prefix is taken for a mistyped one of ours.
_ALIKE = 0.6


def own_keys(keys: Iterable[str], *, where: str) -> dict[str, str]:
    """Return {area: key} of the keys that are Updraft's.

    Args:
        keys: All keys of a stack's configuration; those of providers, such as kubernetes:context,
            are theirs.
        where: The file, for an error's text.

    Raises:
        UpdraftError: A key looks like one of ours but for its prefix, and would be without effect.
    """
    areas = {field.alias or name for name, field in Settings.model_fields.items()}
    found: dict[str, str] = {}
    for key in keys:
        prefix, colon, area = str(key).partition(":")
        if prefix == PROJECT and colon:
            found[area] = key
        elif meant := _meant(prefix, colon, area, areas):
            raise UpdraftError(
                f'the key "{shown(str(key))}" has no effect; {meant} is meant',
                where=where,
                fix=f"write {meant}",
            )
    return found


def _meant(prefix: str, colon: str, area: str, areas: set[str]) -> str:
    if colon:
        alike = difflib.SequenceMatcher(None, prefix.lower(), PROJECT).ratio() >= _ALIKE
        near = difflib.get_close_matches(area, areas, n=1)
        return f"{PROJECT}:{near[0]}" if alike and near else ""
    # One word: an area without its prefix, or with another sign than a colon behind it.
    word = prefix.removeprefix(PROJECT).lstrip(".-_/ ")
    if not word:
        return f"{PROJECT}:<area> for each area"
    near = difflib.get_close_matches(word, areas, n=1)
    return f"{PROJECT}:{near[0]}" if near else ""
