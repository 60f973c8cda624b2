"""What the components share: options for children, and encoded Secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes


@dataclass(frozen=True)
class SecretArgs:
    """A Secret: where it lies, and the text of each key."""

    name: str
    namespace: str
    values: Mapping[str, pulumi.Input[str]]


def secret(
    resource: str, args: SecretArgs, options: pulumi.ResourceOptions
) -> kubernetes.core.v1.Secret:
    """Return a Secret whose values stay secret in Pulumi's state."""
    return kubernetes.core.v1.Secret(
        resource,
        metadata={"name": args.name, "namespace": args.namespace},
        type="Opaque",
        data={key: _encoded(value) for key, value in args.values.items()},
        opts=options,
    )


def _encoded(value: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.secret(value).apply(lambda text: base64.b64encode(text.encode()).decode())
