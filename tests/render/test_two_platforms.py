"""Two whole platforms in one cluster, each removed in turn, and what keeps their keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.deploy import kept_keys, live
from infra.deploy.inventory import entries
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.deploy.removal import destroy
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.render import Manifest, render
from infra.render.program import record
from infra.settings import load, stack
from infra.values import names
from tests.render.variants import EMBEDDED, VARIANTS, settings

Config = dict[str, Any]


def config(name: str, **more: Any) -> Config:
    spaces = {"airflow": name, "tasks": f"{name}-tasks", "monitoring": f"{name}-watch"}
    own = {"platform": {"name": name}, "namespaces": spaces, "chart": {"path": str(EMBEDDED)}}
    ui = {"airflow": {"ui": {"serviceType": "ClusterIP", "nodePort": None}}}
    return stack.read("local", stack.merge(stack.merge(own, ui), more))


def made(kubectl: Kubectl, manifests: list[Manifest], owner: Owner) -> None:
    """Make a platform as a deploy does that waits for nothing: there is no kubelet."""
    ownership = Ownership.read(kubectl, owner)
    ownership.refuse_foreign(one.identity for one in manifests)
    kubectl.apply(manifests)
    ownership.inventory.write(entries(manifests), known=[])


def task(kubectl: Kubectl, manifests: list[Manifest], namespace: str) -> str:
    """Make a task's pod by the template that Airflow has, and return its PriorityClass."""
    maps = [one for one in manifests if "pod_template_file.yaml" in (one.get("data") or {})]
    pod = yaml.safe_load(maps[0]["data"]["pod_template_file.yaml"])
    labels = {**pod["metadata"]["labels"], "kubernetes_executor": "True"}
    pod["metadata"] = {"generateName": "task-", "namespace": namespace, "labels": labels}
    text = kubectl.run("create", "-f", "-", "-o", "json", input=json.dumps(pod))
    return str(json.loads(text)["spec"]["priorityClassName"])


@pytest.mark.apiserver
def test_each_platform_is_removed_and_the_others_tasks_start(
    nodeless: Kubectl, helm: Path, tmp_path: Path
) -> None:
    platforms = {}
    for name in ("first", "second"):
        given = config(name)
        keys = KeyStore(tmp_path / name / "keys.json")
        platforms[name] = given, render(given, helm=helm, keys=keys)
        made(nodeless, platforms[name][1], Owner.of(given))
    for name, other in (("first", "second"), ("second", "")):
        given, manifests = platforms[name]
        said: list[str] = []
        assert task(nodeless, manifests, f"{name}-tasks") == f"{name}-tasks"
        before = _versions(nodeless, platforms[other][1]) if other else {}
        keys = KeyStore(tmp_path / name / "keys.json")
        assert destroy(given, kubectl=nodeless, keys=keys, output=said.append) == []
        print(f"{len(manifests)} objects, {len(said)} lines")
        assert live.read(nodeless, (one.identity for one in manifests)) == {}
        if other:
            assert _versions(nodeless, platforms[other][1]) == before
            task(nodeless, platforms[other][1], f"{other}-tasks")


def _versions(kubectl: Kubectl, manifests: list[Manifest]) -> dict[object, tuple[str, object]]:
    there = live.read(kubectl, (one.identity for one in manifests))
    assert len(there) == len(manifests)
    return {
        one: (body["metadata"]["uid"], body.get("spec") or body["metadata"]["resourceVersion"])
        for one, body in there.items()
    }


@pytest.mark.apiserver
def test_a_database_that_is_kept_keeps_its_keys(
    nodeless: Kubectl, helm: Path, tmp_path: Path
) -> None:
    kept = {"internal": {"keepVolume": True}}
    given = config("kept", database=kept, monitoring={"mode": "none"})
    keys = KeyStore(tmp_path / "keys.json")
    manifests = render(given, helm=helm, keys=keys)
    made(nodeless, manifests, Owner.of(given))
    said: list[str] = []
    stay = destroy(given, kubectl=nodeless, keys=keys, output=said.append)
    print(*said, sep="\n")
    assert {f"{one.kind} {one.name}" for one in stay} == {
        "Namespace kept",
        "PersistentVolumeClaim postgresql",
        "Secret airflow-admin",
        "Secret airflow-fernet-key",
        "Secret postgresql",
    }
    # On another machine, or after make down: nothing is known here.
    fresh = KeyStore(tmp_path / "elsewhere" / "keys.json")
    kept_keys.recover(fresh, load(given), Ownership.read(nodeless, Owner.of(given)), said.append)
    again = {one.identity: one for one in render(given, helm=helm, keys=fresh)}
    same = [one for one in manifests if again[one.identity] == one and one["kind"] == "Secret"]
    assert {one.identity.name for one in same} >= {
        "airflow-admin",
        "airflow-fernet-key",
        "postgresql",
    }
    # A store of other keys is refused, and says how to go on by either.
    other = KeyStore(tmp_path / "other" / "keys.json")
    render(given, helm=helm, keys=other)
    with pytest.raises(UpdraftError, match="another fernet-key than this machine") as caught:
        kept_keys.recover(
            other, load(given), Ownership.read(nodeless, Owner.of(given)), said.append
        )
    assert str(other.path) in str(caught.value)
    assert "delete secret airflow-fernet-key" in str(caught.value)
    nodeless.run("delete", "namespace", "kept")


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_whatever_is_drawn_at_random_is_found_in_its_secret(
    variant: str, helm: Path, tmp_path: Path
) -> None:
    given = settings(variant)
    keys = KeyStore(tmp_path / "keys.json")
    drawn = {(one["type"], one["name"]) for one in record(given, keys=keys)
             if one["type"].startswith("random:")}  # fmt: skip
    kept = [one for one in kept_keys.KEPT if one.is_drawn(load(given))]
    assert drawn == {(one.type, one.name) for one in kept}
    assert drawn
    manifests = render(given, helm=helm, keys=keys)
    cluster = {one.identity: one for one in manifests}

    class Cluster(Kubectl):
        def run(self, *_: str, input: str | None = None, **__: float) -> str:  # noqa: A002
            wanted = [live.identity(one) for one in json.loads(input or "{}")["items"]]
            items = [cluster[one] for one in wanted if one in cluster]
            return json.dumps({"kind": "List", "items": items})

    owner = Owner.of(given)
    found = kept_keys.of_cluster(
        load(given), Ownership(Cluster(Path("kubectl"), None, "none"), owner, ())
    )
    stored = keys.read()
    assert {one.stored: values for one, values in found.items()} == stored


def test_every_object_bears_the_platforms_label(variant: str, manifests: list[Manifest]) -> None:
    labels = {one["metadata"]["labels"].get(names.OWNER) for one in manifests}
    assert labels == {Owner.of(settings(variant)).platform}
    whole = [one.identity.name for one in manifests if not one.identity.namespace]
    assert all(
        name.startswith((*Owner.of(settings(variant)).namespaces, *labels)) for name in whole
    )
