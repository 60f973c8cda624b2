"""The waves of a program: what may be applied together, by the dependencies that Pulumi honours."""

from __future__ import annotations

from collections.abc import Sequence

from infra.render.resource import RELEASE, Resource

# What depends on one of these waits until it is ready; anything else is there once it is applied.
GATES = ("Job", "Deployment", "StatefulSet", "DaemonSet", "CustomResourceDefinition")


def waves(resources: Sequence[Resource]) -> dict[str, int]:
    """Return the wave of each resource by its URN.

    Args:
        resources: In the order of registration, so that dependencies come first.
    """
    found: dict[str, int] = {}
    gates = {one["urn"] for one in resources if _is_gate(one)}
    for resource in resources:
        if not resource["custom"]:
            continue
        depends = [
            one
            for urn in resource["dependencies"]
            for one in _customs(urn, resources)
            if one in found
        ]
        found[resource["urn"]] = max((found[one] + (one in gates) for one in depends), default=0)
    return found


def awaited(resources: Sequence[Resource]) -> set[str]:
    """Return the URNs of the resources that another one depends on, and so waits for."""
    return {
        one
        for resource in resources
        for urn in resource["dependencies"]
        for one in _customs(urn, resources)
    }


def _is_gate(resource: Resource) -> bool:
    kind = resource["type"].rpartition(":")[2]
    return resource["type"] == RELEASE or kind in GATES


def _customs(urn: str, resources: Sequence[Resource]) -> list[str]:
    """Return a dependency itself or, of a component, everything below it."""
    below = [one for one in resources if one["parent"] == urn]
    return [urn, *(found for one in below for found in _customs(one["urn"], resources))]
