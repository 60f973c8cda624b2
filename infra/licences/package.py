"""A locked package that goes into an image, as the table of licences has it."""

from __future__ import annotations

from dataclasses import dataclass

# What stands in place of a licence that nothing tells; no list allows it.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package at the version that a lock names.

    Args:
        kind: "python", "go", "stand-in" or "npm".
        name: Its name in the registry, or the Go module's path.
        version: The locked version.
        licence: An SPDX expression, or UNKNOWN.
        images: The images that hold it.

    Example:
        >>> Package("npm", "echarts", "6.1.0", "Apache-2.0", ("airflow",)).name
        'echarts'
    """

    kind: str
    name: str
    version: str
    licence: str
    images: tuple[str, ...]


def conjunction(licences: set[str]) -> str:
    """The expression of a package all of whose licences hold; UNKNOWN where there is none."""
    return " AND ".join(sorted(licences)) or UNKNOWN
