"""A Helm release that a killed `pulumi up` has left behind is mended before the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.kubectl import Kubectl
from infra.output import Print
from infra.values import names

_TYPE = "kubernetes:helm.sh/v3:Release"


def mend(state: Mapping[str, Any], *, kubectl: Kubectl, namespace: str, output: Print) -> None:
    """Remove Helm's records that stop an install or upgrade; the objects stay and are adopted.

    Helm refuses a release that it finds pending (pulumi-kubernetes#2054), and a first install under
    a name that it knows.

    Args:
        state: What `pulumi stack export` gave.
        kubectl: The cluster.
        namespace: The release's.
        output: Told what was removed.
    """
    records = kubectl.items(
        "secrets", "--namespace", namespace, "--selector", f"owner=helm,name={names.RELEASE}"
    )
    known = _knows_release(state)
    for record in records:
        status = record["metadata"]["labels"].get("status", "")
        if not known or status.startswith("pending-"):
            name = record["metadata"]["name"]
            output(
                f"A run that was killed has left the Helm record {name} ({status}); removing it."
            )
            kubectl.run("delete", "secret", name, "--namespace", namespace, "--ignore-not-found")


def _knows_release(state: Mapping[str, Any]) -> bool:
    resources = (state.get("deployment") or {}).get("resources") or []
    return any(resource.get("type") == _TYPE and resource.get("id") for resource in resources)
