"""A Helm release that a killed `pulumi up` has left behind is mended before the next one."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from typing import Any

from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.deploy.pulumi_state import State
from infra.errors import UpdraftError
from infra.kubectl import Kubectl
from infra.output import Print
from infra.values import names

Record = Mapping[str, Any]

_DEPLOYED = "deployed"


def stale(state: State, kubectl: Kubectl, owner: Owner) -> list[Record]:
    """Return the platform's records that stop Helm.

    Helm refuses a release that it finds pending (pulumi-kubernetes#2054), and a first install under
    a name that it knows. Whose a release is, its newest revision says: version 0.1 gave no label.

    Args:
        state: Pulumi's.
        kubectl: The cluster.
        owner: The platform.

    Raises:
        UpdraftError: A release of this name is somebody else's.
    """
    records = _records(kubectl, owner)
    if not records:
        return []
    platform = _platform(records[-1]) or (owner.platform if state.release else "")
    if platform != owner.platform:
        raise _refusal(owner, records[-1]["metadata"]["name"], platform)
    if state.release:
        return [one for one in records if _status(one).startswith("pending-")]
    if any(_status(one) == _DEPLOYED for one in records):
        # It is imported; a later attempt would be taken for what runs.
        return [one for one in records if _status(one) not in {_DEPLOYED, "superseded"}]
    return records


def remove(records: Iterable[Record], kubectl: Kubectl, owner: Owner, output: Print) -> None:
    """Remove records: the objects stay, and Helm takes them up."""
    for one in records:
        name = one["metadata"]["name"]
        output(f"A run that failed has left the Helm record {named(one)}; removing it.")
        kubectl.run("delete", "secret", name, "-n", owner.home, "--ignore-not-found")


def named(record: Record) -> str:
    """Return a record in words."""
    return f"{record['metadata']['name']} ({_status(record)})"


def is_deployed(ownership: Ownership) -> bool:
    """Whether there is a deployed release, and the platform's label is in its values."""
    records = _records(ownership.kubectl, ownership.owner)
    deployed = [one for one in records if _status(one) == _DEPLOYED]
    return bool(deployed) and _platform(deployed[-1]) == ownership.owner.platform


def _records(kubectl: Kubectl, owner: Owner) -> list[Record]:
    """Return the release's records, the newest revision last."""
    found = kubectl.items(
        "secrets", "--namespace", owner.home, "--selector", f"owner=helm,name={names.RELEASE}"
    )
    return sorted(found, key=lambda one: int(one["metadata"]["labels"].get("version", 0)))


def _status(record: Record) -> str:
    return str(record["metadata"]["labels"].get("status", ""))


def _refusal(owner: Owner, record: str, platform: str) -> UpdraftError:
    whose = f"the platform {platform}'s" if platform else "somebody else's"
    return UpdraftError(
        f"the Helm release {names.RELEASE} in {owner.home} is {whose}, and so not touched",
        where=f"Secret {record} in {owner.home}",
        fix="choose other namespaces by updraft:namespaces, or uninstall it if it is yours: "
        f"helm -n {owner.home} uninstall {names.RELEASE}",
    )


def _platform(record: Record) -> str:
    """Return whose label the values of a record's release give; empty for none."""
    try:
        packed = base64.b64decode(base64.b64decode(record["data"]["release"]))
        labels = (json.loads(gzip.decompress(packed)).get("config") or {}).get("labels") or {}
    except (KeyError, ValueError, OSError):
        return ""
    return str(labels.get(names.OWNER, ""))
