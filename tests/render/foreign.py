"""Objects of a cluster that somebody else has made, and their fingerprints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from infra.deploy import live
from infra.kubectl import Kubectl
from infra.render import Identity, Manifest
from tests.render.platform import Body

# They change with a status.
_OF_A_STATUS = frozenset({"resourceVersion", "managedFields"})


class Foreign:
    """Objects that somebody else has made, and their fingerprints."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl
        self.made: list[Identity] = []

    def make(self, body: Body, **labels: str) -> Identity:
        """Make an object as somebody else does."""
        whole = {**body, "metadata": {**body["metadata"], "labels": labels}}
        text = self.kubectl.run("create", "-f", "-", "-o", "json", input=json.dumps(whole))
        self.made.append(live.identity(json.loads(text)))
        return self.made[-1]

    def copy(self, one: Manifest, **labels: str) -> Identity:
        """Make the like of an object of the platform's."""
        return self.make(dict(one), **labels)

    def fingerprints(self) -> dict[Identity, tuple[str, str, object]]:
        """Return uid, whole and version of each, but for the status, which changes by itself.

        A namespace's tells its phase, which its deletion would change.
        """
        found = {}
        for one, body in live.read(self.kubectl, self.made).items():
            metadata = body["metadata"]
            noted = {key: value for key, value in metadata.items() if key not in _OF_A_STATUS}
            rest = {key: value for key, value in body.items() if key not in {"status", "metadata"}}
            phase = body["status"] if one.kind == "Namespace" else None
            version = None if "status" in body else metadata["resourceVersion"]
            found[one] = (metadata["uid"], json.dumps([noted, rest, phase]), version)
        return found


@contextmanager
def unchanged(foreign: Foreign) -> Iterator[None]:
    before = foreign.fingerprints()
    assert before
    yield
    assert foreign.fingerprints() == before


def namespace(name: str) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def priority(name: str, **labels: str) -> Body:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name, "labels": labels},
        "value": 7,
    }
