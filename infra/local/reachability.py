"""The package registries that a first run needs, and whether they answer."""

from __future__ import annotations

import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from infra.local.shell import run

TIMEOUT = 8.0


def go_proxy() -> str:
    """Go's module proxy: the first one that GOPROXY or Go's own settings name; empty if none."""
    setting = os.environ.get("GOPROXY", "")
    if not setting and shutil.which("go"):
        setting = run("go", "env", "GOPROXY", check=False, cwd=None).strip()
    first = re.split(r"[,|]", setting)[0]
    return "" if first in {"direct", "off"} else first


def python_index() -> str:
    """The index that Python's packages come from, as uv and pip are told; empty if unknown."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(variable):
            return os.environ[variable]
    if not shutil.which("pip"):
        return ""
    configured = run("pip", "config", "get", "global.index-url", check=False).strip()
    # pip's help is where it tells its own default.
    told = re.search(r"\(default\s+(https?://[^\s)]+)", run("pip", "help", "install", check=False))
    return configured or (told[1] if told else "")


def debian_archive() -> str:
    """The first archive that apt has its packages from; empty where there is no apt."""
    if not shutil.which("apt-get"):
        return ""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)", check=False).split()
    return next((uri for uri in listed if uri.startswith("http")), "")


def host(address: str) -> str:
    """An address without what may be secret in it: its scheme and host alone."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def fault(address: str) -> str:
    """Why an address can't be reached; empty when anything at all answers there."""
    try:
        request = urllib.request.Request(address, method="HEAD")  # noqa: S310 - the user's setting
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310 - the user's setting
            return ""
    except urllib.error.HTTPError:
        return ""  # an answer, if only that it has no page at its root
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


REGISTRIES: dict[str, Callable[[], str]] = {
    "Go modules": go_proxy,
    "Python packages": python_index,
    "Debian packages": debian_archive,
}
