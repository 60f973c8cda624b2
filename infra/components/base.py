"""Secrets, encoded, as resources of the program."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.components.objects import declare


@dataclass(frozen=True)
class SecretArgs:
    """A Secret: where it lies, and the text of each key."""

    name: str
    namespace: str
    values: Mapping[str, pulumi.Input[str]]


def drawn(parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """Return the options of a random value: once drawn, or imported, it is never drawn anew."""
    return pulumi.ResourceOptions(parent=parent, ignore_changes=["length", "special"])


def secret(
    resource: str, args: SecretArgs, options: pulumi.ResourceOptions
) -> pulumi.CustomResource:
    """Return a Secret whose values stay secret in Pulumi's state."""
    manifest = {
        "kind": "Secret",
        "metadata": {"name": args.name, "namespace": args.namespace},
        "type": "Opaque",
        "data": {key: _encoded(value) for key, value in args.values.items()},
    }
    return declare(resource, manifest, options)


def _encoded(value: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.secret(value).apply(lambda text: base64.b64encode(text.encode()).decode())
