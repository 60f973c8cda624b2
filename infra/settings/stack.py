"""A stack's settings as its file gives them, with overrides laid over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from infra.errors import UpdraftError
from infra.root import ROOT
from infra.settings import PROJECT


def read(
    stack: str, overrides: Mapping[str, object] | None = None, *, root: Path = ROOT
) -> dict[str, object]:
    """Return {area: object} of Pulumi.<stack>.yaml with overrides merged into it.

    A value that Pulumi has encrypted stays the marker {"secure": …}: only Pulumi can read it.

    Raises:
        UpdraftError: if there is no such stack, or its file is not what Pulumi writes.
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
        document = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise UpdraftError(f"not YAML: {error}", where=str(path), fix="mend the file") from error
    config = document.get("config") if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping):
        raise UpdraftError("no block config:", where=str(path), fix="see Pulumi.prod.yaml")
    return merge(_own(config), overrides or {})


def _own(config: Mapping[str, object]) -> dict[str, object]:
    prefix = f"{PROJECT}:"
    return {
        key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)
    }


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
