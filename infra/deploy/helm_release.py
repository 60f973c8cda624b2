"""A Helm release that a killed `pulumi up` has left behind is mended before the next one."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from infra.deploy.owner import Owner
from infra.errors import UpdraftError
from infra.kubectl import Kubectl
from infra.output import Print
from infra.values import names


def mend(*, known: bool, kubectl: Kubectl, owner: Owner, output: Print) -> None:
    """Remove the platform's records that stop Helm: the objects stay, and Helm takes them up.

    Helm refuses a release that it finds pending (pulumi-kubernetes#2054), and a first install under
    a name that it knows.

    Args:
        known: Whether Pulumi's state has the release.
        kubectl: The cluster.
        owner: The platform.
        output: Told what was removed.

    Raises:
        UpdraftError: A release of this name is somebody else's, or lost to Pulumi's state.
    """
    records = kubectl.items(
        "secrets", "--namespace", owner.home, "--selector", f"owner=helm,name={names.RELEASE}"
    )
    for record in records:
        name, labels = record["metadata"]["name"], record["metadata"]["labels"]
        status = labels.get("status", "")
        # Version 0.1 gave no label: then it is ours if the state knows it.
        platform = _platform(record) or (owner.platform if known else "")
        if platform != owner.platform:
            raise _refusal(owner, name, platform)
        if status.startswith("pending-"):
            output(
                f"A run that was killed has left the Helm record {name} ({status}); removing it."
            )
            kubectl.run("delete", "secret", name, "-n", owner.home, "--ignore-not-found")
        elif not known:
            raise UpdraftError(
                f"Pulumi's state doesn't have the Helm release {names.RELEASE}, which is there",
                where=f"Secret {name} in {owner.home}",
                fix="make adopt imports it, and what else of the platform the state lacks",
            )


def _refusal(owner: Owner, record: str, platform: str) -> UpdraftError:
    whose = f"the platform {platform}'s" if platform else "somebody else's"
    return UpdraftError(
        f"the Helm release {names.RELEASE} in {owner.home} is {whose}, and so not touched",
        where=f"Secret {record} in {owner.home}",
        fix="choose other namespaces by updraft:namespaces, or uninstall it if it is yours: "
        f"helm -n {owner.home} uninstall {names.RELEASE}",
    )


def _platform(record: Mapping[str, Any]) -> str:
    """Return whose label the values of a record's release give; empty for none."""
    try:
        packed = base64.b64decode(base64.b64decode(record["data"]["release"]))
        labels = (json.loads(gzip.decompress(packed)).get("config") or {}).get("labels") or {}
    except (KeyError, ValueError, OSError):
        return ""
    return str(labels.get(names.OWNER, ""))
