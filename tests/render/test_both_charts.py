"""The embedded chart and the official one make the same of the same settings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.render import Manifest
from tests.render.conftest import LEAST_OBJECTS, Rendered
from tests.render.variants import EMBEDDED, VARIANTS

# The official chart says all twice, for git-sync 3 too, and binds a port for its probe.
NOT_FOR_GIT_SYNC_4 = re.compile(r"GIT_(SYNC|SSH|KNOWN)\w*|GITSYNC_(HTTP_BIND|ADD_USER|SSH)")


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_both_charts_make_the_same_objects(
    rendered: Rendered, official: Path, variant: str
) -> None:
    ours = {one.identity for one in rendered(variant, EMBEDDED)}
    theirs = {one.identity for one in rendered(variant, official)}
    print(f"{len(ours)} and {len(theirs)} objects; differ in {ours ^ theirs}")
    assert len(ours) >= LEAST_OBJECTS
    assert ours == theirs


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_both_charts_give_a_process_the_same(
    rendered: Rendered, official: Path, variant: str
) -> None:
    """Image, mounts, keys, resources, probes, labels and Airflow's options are the same."""
    pairs = 0
    theirs = {one.identity: one for one in rendered(variant, official)}
    for one in rendered(variant, EMBEDDED):
        if one["kind"] == "Deployment" and "component" in one["metadata"].get("labels", {}):
            pairs += 1
            assert _essence(one) == _essence(theirs[one.identity]), one.identity
        if one.identity.name == "airflow-config":
            own, other = (_options(each["data"]["airflow.cfg"])
                          for each in (one, theirs[one.identity]))  # fmt: skip
            print(f"{len(own)} options")
            assert own.items() <= other.items()
            for name in ("pod_template_file.yaml", "known_hosts"):
                texts = (each["data"].get(name, "") for each in (one, theirs[one.identity]))
                assert len({text.strip() for text in texts}) == 1
    assert pairs == 4


def _options(text: str) -> dict[str, str]:
    found, section = {}, ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip()
        elif "=" in line:
            key, _, value = line.partition("=")
            found[f"{section} {key.strip()}"] = value.strip()
    return found


def _essence(deployment: Manifest) -> dict[str, Any]:
    template = deployment["spec"]["template"]
    spec = template["spec"]
    whole = {
        "labels": template["metadata"]["labels"],
        "selector": deployment["spec"]["selector"],
        "replicas": deployment["spec"]["replicas"],
        "volumes": sorted(json.dumps(each, sort_keys=True) for each in spec["volumes"]),
        "pull": spec.get("imagePullSecrets", []),
        "node": spec.get("nodeSelector", {}),
        "tolerations": spec.get("tolerations", []),
        "account": spec["serviceAccountName"],
        "priority": spec["priorityClassName"],
        "security": spec["securityContext"],
    }
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        env = container.get("env", [])
        env = [each for each in env if not NOT_FOR_GIT_SYNC_4.fullmatch(each["name"])]
        whole[container["name"]] = {
            "image": container["image"],
            "pull": container["imagePullPolicy"],
            "env": sorted(env, key=lambda each: str(each["name"])),
            "mounts": sorted(
                json.dumps(each, sort_keys=True) for each in container["volumeMounts"]
            ),
            "resources": container["resources"],
            "security": container["securityContext"],
            "probes": {key: _probe(container[key]) for key in container if key.endswith("Probe")},
            "ports": [each["containerPort"] for each in container.get("ports", [])],
        }
    return whole


def _probe(probe: dict[str, Any]) -> dict[str, Any]:
    """Return a probe with its port by number: a name says the same."""
    if "httpGet" not in probe:
        return probe
    return {**probe, "httpGet": probe["httpGet"]["path"]}
