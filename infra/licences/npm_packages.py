"""The npm packages of the Platform page, and what npm noted in the lock of their licences."""

from __future__ import annotations

import json
from typing import Final

from infra.images.page import LOCK
from infra.licences.package import UNKNOWN, Package

KIND: Final = "npm"
_IMAGES: Final = ("airflow",)


def packages(lock: str) -> list[Package]:
    """The packages of a lock's text; its own package is none of them."""
    return [
        Package(
            KIND,
            path.rpartition("node_modules/")[2],
            entry["version"],
            entry.get("license", UNKNOWN),
            _IMAGES,
        )
        for path, entry in sorted(json.loads(lock)["packages"].items())
        if path
    ]


def read() -> list[Package]:
    """The packages of the page's own lock."""
    return packages((LOCK / "package-lock.json").read_text())
