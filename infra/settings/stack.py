"""A stack's settings as its file gives them, with overrides laid over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from infra.errors import UpdraftError
from infra.root import ROOT
from infra.settings import PROJECT
from infra.settings.documents import DocumentError, parse
from infra.settings.platform import named
from infra.settings.prefix import own_keys


def read(
    stack: str, overrides: Mapping[str, object] | None = None, *, root: Path = ROOT
) -> dict[str, object]:
    """Return {area: object} of Pulumi.<stack>.yaml with overrides merged into it.

    A value that Pulumi has encrypted stays the marker {"secure": …}: only Pulumi can read it.

    Raises:
        UpdraftError: if there is no such stack, its file is not what Pulumi writes, or a key in it
            has a mistyped prefix.
    """
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        stacks = sorted(file.name.split(".")[1] for file in root.glob("Pulumi.*.yaml"))
        raise UpdraftError(
            f'there is no stack "{stack}"',
            where=str(path),
            fix=f"use one of {', '.join(stacks)}, or copy one of their files",
        )
    try:
        document = parse(path.read_text(encoding="utf-8")) or {}
    except (DocumentError, UnicodeDecodeError) as error:
        raise UpdraftError(f"not YAML: {error}", where=str(path), fix="mend the file") from error
    config = document.get("config") if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping):
        raise UpdraftError("no block config:", where=str(path), fix="see Pulumi.prod.yaml")
    areas = {area: config[key] for area, key in own_keys(config, where=str(path)).items()}
    return merge(merge(named(PROJECT, stack), areas), overrides or {})


def decoded(text: str) -> object:
    """Return an area as Pulumi keeps it: an object in JSON, or a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def merge(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Return below with above laid over it: objects are merged, all else is replaced.

    A None in above removes the key.
    """
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(under, Mapping):
            merged[key] = merge(under, value)
        else:
            merged[key] = value
    return merged
