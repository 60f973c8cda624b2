"""Manifests as files, one an object, for GitOps and clusters without a way out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.errors import UpdraftError
from infra.render.manifests import Manifest

MARK = "# Rendered by Updraft. Edit the settings instead: the next render overwrites this file.\n"
# Not base64 on purpose: an API server refuses it, so a redacted file never overwrites a real key.
REDACTED = "(redacted; SECRETS=1 writes it)"


class Dumper(yaml.SafeDumper):
    """YAML with long texts as blocks, so that a change of one line is a change of one line."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Dumper.add_representer(str, _text)


def write(manifests: Sequence[Manifest], folder: Path, *, secrets: bool = False) -> list[Path]:
    """Write each manifest into a file `NN-kind-name.yaml`; remove those of an older render.

    NN counts waves and kinds, so that `kubectl apply -f folder` takes them in a working order.

    Args:
        manifests: What `render` returned.
        folder: Where to; made if need be. Files of others in it stay.
        secrets: Whether Secrets keep their values (file mode 0600).

    Returns:
        The files, in order of application.

    Raises:
        UpdraftError: A file that Updraft hasn't written is in the way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = _names(manifests)
    for name in names:
        _refuse_foreign(folder / name)
    for stale in _own(folder):
        if stale.name not in names:
            stale.unlink()
    for name, manifest in zip(names, manifests, strict=True):
        secret = manifest["kind"] == "Secret"
        body = text(manifest, secrets=secrets)
        _put(folder / name, body, mode=0o600 if secret and secrets else 0o644)
    return [folder / name for name in names]


def text(manifest: Manifest, *, secrets: bool = False) -> str:
    """Return a manifest as a file's text, the same at each render.

    Args:
        manifest: The object.
        secrets: Whether a Secret keeps its values.
    """
    hidden = manifest["kind"] == "Secret" and not secrets
    body = redacted(manifest) if hidden else dict(manifest)
    # Sorted, since Pulumi keeps no order of keys. CSafeDumper has no say in the style of a text.
    return MARK + yaml.dump(body, Dumper=Dumper, sort_keys=True, allow_unicode=True, width=120)


def redacted(secret: Manifest) -> dict[str, Any]:
    """Return a Secret with its keys' names alone."""
    return {**secret, "data": dict.fromkeys(secret.get("data", {}), REDACTED)}


def _names(manifests: Sequence[Manifest]) -> list[str]:
    ranks = sorted({one.order()[:3] for one in manifests})
    short = [
        f"{ranks.index(one.order()[:3]):02d}-{one['kind'].lower()}-{one.identity.name}"
        for one in manifests
    ]
    short = [name.replace(":", "-") for name in short]
    return [
        f"{name}-{one.identity.namespace}.yaml" if short.count(name) > 1 else f"{name}.yaml"
        for name, one in zip(short, manifests, strict=True)
    ]


def _own(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("[0-9][0-9]-*.yaml")) if _is_own(path)]


def _is_own(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline() == MARK


def _refuse_foreign(path: Path) -> None:
    if path.exists() and not _is_own(path):
        raise UpdraftError(
            "a file that render hasn't written is in the way",
            where=str(path),
            fix="move it, or render into another folder",
        )


def _put(path: Path, body: str, *, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(body)
    fresh.replace(path)
