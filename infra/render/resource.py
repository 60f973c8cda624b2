"""A resource of the Pulumi program, as it passes from the interpreter that ran it."""

from __future__ import annotations

from typing import Any, TypedDict

RELEASE = "kubernetes:helm.sh/v3:Release"
IMAGE = "docker-build:index:Image"
STACK = "pulumi:pulumi:Stack"


class Resource(TypedDict):
    """A resource as the program declared it."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    dependencies: list[str]
    custom: bool
    retain: bool
