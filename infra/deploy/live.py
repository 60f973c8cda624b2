"""Objects as a cluster has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from infra.kubectl import Kubectl, KubectlError
from infra.render.manifests import Identity

Body = Mapping[str, Any]


def identity(live: Body) -> Identity:
    """Return what tells an object from another."""
    metadata = live["metadata"]
    return Identity(
        live["apiVersion"], live["kind"], metadata.get("namespace", ""), metadata["name"]
    )


def namespace(name: str) -> Identity:
    """Return what tells a namespace."""
    return Identity("v1", "Namespace", "", name)


def read(kubectl: Kubectl, wanted: Iterable[Identity]) -> dict[Identity, Body]:
    """Return those of the objects that are there; one whose kind the cluster lacks isn't.

    Raises:
        KubectlError: The cluster doesn't answer.
    """
    ordered = sorted(set(wanted))
    try:
        return _get(kubectl, ordered)
    except KubectlError as error:
        if "no matches for kind" not in error.stderr:
            raise
    found: dict[Identity, Body] = {}
    for _, alike in groupby(ordered, key=lambda one: one[:2]):
        try:
            found |= _get(kubectl, list(alike))
        except KubectlError as error:
            if "no matches for kind" not in error.stderr:
                raise
    return found


def _get(kubectl: Kubectl, wanted: list[Identity]) -> dict[Identity, Body]:
    if not wanted:
        return {}
    whole = {"apiVersion": "v1", "kind": "List", "items": [_reference(one) for one in wanted]}
    text = kubectl.run(
        "get", "-f", "-", "--ignore-not-found", "-o", "json", input=json.dumps(whole)
    )
    if not text.strip():
        return {}
    answer = json.loads(text)
    items = answer["items"] if answer["kind"] == "List" else [answer]
    return {identity(one): one for one in items}


def _reference(one: Identity) -> dict[str, Any]:
    metadata = {"name": one.name} | ({"namespace": one.namespace} if one.namespace else {})
    return {"apiVersion": one.api_version, "kind": one.kind, "metadata": metadata}
