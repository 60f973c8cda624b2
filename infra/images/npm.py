"""How this host's npm reaches its registry, as one npmrc that a build or a download is handed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

# Where distributions and npm itself keep the settings of all users.
_GLOBAL = ("etc/npmrc", "usr/etc/npmrc", "usr/local/etc/npmrc")
# What says how to reach a registry; the names of files mean nothing inside a build.
_KEPT = re.compile(
    r"registry|strict-ssl|proxy|https?-proxy|noproxy|@[^:]+:registry"
    r"|//.*:(?:_auth|_authToken|_password|username|email)"
)
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


def settings(
    cafile: str | None,
    environment: Mapping[str, str] = os.environ,
    root: Path = Path("/"),
) -> str:
    """Return the text of an npmrc; a variable of the environment goes before the files.

    Args:
        cafile: Where the CA bundle will be, None where npm's own is to serve.
        environment: The host's variables.
        root: The folder below which the settings of all users are looked for.
    """
    home = Path(environment.get("HOME", "/nonexistent"))
    by_name = {name.lower(): value for name, value in environment.items()}
    user = Path(by_name.get("npm_config_userconfig") or home / ".npmrc")
    found: dict[str, str] = {}
    for path in (*(root / name for name in _GLOBAL), user):
        found.update(_lines(path, environment))
    for name, value in by_name.items():
        key = name.removeprefix("npm_config_").replace("_", "-")
        if name.startswith("npm_config_") and value and _KEPT.fullmatch(key):
            found[key] = value
    if cafile:
        found["cafile"] = cafile
    return "".join(f"{key}={value}\n" for key, value in found.items())


def _lines(path: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        return
    for line in path.read_text(errors="replace").splitlines():
        key, separator, value = (part.strip() for part in line.partition("="))
        if separator and _KEPT.fullmatch(key):
            known = _VARIABLE.sub(lambda match: environment.get(match[1], match[0]), value)
            yield key, known
