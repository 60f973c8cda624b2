"""What every rendered object keeps to, with both charts and each variant of the settings."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.keystore import KeyStore
from infra.local.paths import Paths
from infra.render import Manifest, render
from infra.render.manifests import CLUSTER_SCOPED
from tests.render.conftest import LEAST_OBJECTS, Rendered
from tests.render.schemas import Schemas, operator_definitions
from tests.render.variants import EMBEDDED, settings

# Of Kubernetes' rights, what Updraft gives to nobody.
FORBIDDEN = {
    "*",
    "secrets",
    "pods/exec",
    "pods/attach",
    "pods/ephemeralcontainers",
    "escalate",
    "bind",
}
SECRET_VARIABLES = re.compile(r"FERNET|SECRET|SQL_ALCHEMY|PASSWORD|TOKEN", re.IGNORECASE)


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """The schemas of the pinned Kubernetes."""
    from infra.local.tools import kubernetes_source  # noqa: PLC0415 - asks Go for it

    cache = Paths.for_instance().cache
    return Schemas(kubernetes_source(print), operator_definitions(cache))


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each pod's spec, that of the task pods' template too."""
    for one in manifests:
        if one["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
            yield str(one.identity), one["spec"]["template"]["spec"]
        if one["kind"] == "CronJob":
            yield str(one.identity), one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    yield "the task pod", task_pod(manifests)["spec"]


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each container's name, its pod's spec and itself."""
    for owner, spec in pods(manifests):
        for each in [*spec.get("initContainers", []), *spec["containers"]]:
            yield f"{owner}: {each['name']}", spec, each


def task_pod(manifests: list[Manifest]) -> dict[str, Any]:
    """Return the template of task pods."""
    config = next(one for one in manifests if one.identity[1::2] == ("ConfigMap", "airflow-config"))
    found: dict[str, Any] = yaml.safe_load(config["data"]["pod_template_file.yaml"])
    return found


def test_each_object_is_valid_for_kubernetes(manifests: list[Manifest], schemas: Schemas) -> None:
    bodies = [dict(one) for one in manifests] + [task_pod(manifests)]
    faults = [f"{body['kind']} {body['metadata']['name']}: {fault}"
              for body in bodies for fault in schemas.faults(body)]  # fmt: skip
    print(f"{len(bodies)} objects", *faults, sep="\n")
    assert len(bodies) >= LEAST_OBJECTS
    assert not faults


def test_the_schemas_find_an_unknown_field(manifests: list[Manifest], schemas: Schemas) -> None:
    bad = copy.deepcopy(dict(next(one for one in manifests if one["kind"] == "Deployment")))
    bad["spec"]["template"]["spec"]["containers"][0]["resorces"] = {}
    bad["spec"]["replicas"] = "one"
    faults = schemas.faults(bad)
    print(faults)
    assert any("resorces" in fault for fault in faults)
    assert any("replicas" in fault for fault in faults)
    assert schemas.faults({**bad, "apiVersion": "apps/v9"}) == ["no such apiVersion: apps/v9"]


def test_the_operators_schemas_find_an_unknown_field(rendered: Rendered, schemas: Schemas) -> None:
    kinds = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    found = [dict(one) for one in rendered("token", EMBEDDED) if one["kind"] in kinds]
    assert {one["kind"] for one in found} == kinds
    for one in found:
        bad = copy.deepcopy(one)
        bad["spec"]["endpints"] = []
        faults = schemas.faults(bad)
        print(faults)
        assert any("endpints" in fault for fault in faults)


def test_a_pod_that_watches_is_made_anew_when_its_configuration_changes(
    rendered: Rendered,
) -> None:
    digests = [
        {
            one.identity.name: one["spec"]["template"]["metadata"]["annotations"]
            for one in rendered(variant, EMBEDDED)
            if one["kind"] in {"Deployment", "DaemonSet"}
            and one.identity.namespace == "airflow-monitoring"
        }
        for variant in ("local", "told")
    ]
    print(digests)
    changed = {name for name in digests[0] if digests[0][name] != digests[1][name]}
    assert changed == {"alertmanager", "prometheus"}, "receivers, and the teams of its rules"


def test_what_is_not_asked_for_watches_nothing(rendered: Rendered) -> None:
    bundled, told, unwatched = (
        {
            one.identity.name
            for one in rendered(variant, EMBEDDED)
            if one["kind"] in {"Deployment", "DaemonSet"} and one.identity.namespace != "airflow"
        }
        for variant in ("local", "token", "unwatched")
    )
    print(bundled, told, unwatched, sep="\n")
    exporters = {"collector", "statsd-exporter"}
    servers = {"alertmanager", "kube-state-metrics", "loki", "prometheus"}
    assert bundled == exporters | servers
    assert {name for name in told if not name.startswith("airflow-")} - {"postgresql"} == exporters
    assert not unwatched


def test_each_container_passes_pod_security_restricted(manifests: list[Manifest]) -> None:
    faults, seen = [], 0
    for name, spec, container in containers(manifests):
        seen += 1
        pod, own = spec.get("securityContext", {}), container.get("securityContext", {})
        wanted = {
            "runAsNonRoot": own.get("runAsNonRoot", pod.get("runAsNonRoot")) is True,
            "runAsUser": own.get("runAsUser", pod.get("runAsUser")) not in {None, 0},
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "privileged": not own.get("privileged", False),
            "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
            "seccompProfile": own.get("seccompProfile", pod.get("seccompProfile"))
            == {"type": "RuntimeDefault"},
            "host": not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
        }
        faults += [f"{name}: {field}: {own.get(field, pod.get(field))}"
                   for field, fine in wanted.items() if not fine]  # fmt: skip
    print(f"{seen} containers", *faults, sep="\n")
    assert seen >= 9
    assert not faults


def test_each_container_has_requests_and_limits(manifests: list[Manifest]) -> None:
    faults, seen = [], 0
    for name, _, container in containers(manifests):
        seen += 1
        for side in ("requests", "limits"):
            for resource in ("cpu", "memory"):
                if not container.get("resources", {}).get(side, {}).get(resource):
                    faults.append(f"{name}: no {side}.{resource}")
    print(f"{seen} containers", *faults, sep="\n")
    assert seen >= 9
    assert not faults


def test_each_namespace_enforces_restricted(manifests: list[Manifest]) -> None:
    namespaces = [one for one in manifests if one["kind"] == "Namespace"]
    assert len(namespaces) == 3
    for one in namespaces:
        labels = one["metadata"]["labels"]
        print(one.identity, labels)
        for mode in ("enforce", "warn", "audit"):
            assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_each_object_is_in_a_namespace_of_ours(manifests: list[Manifest]) -> None:
    ours = {one.identity.name for one in manifests if one["kind"] == "Namespace"}
    for one in manifests:
        if one["kind"] in CLUSTER_SCOPED:
            assert "namespace" not in one["metadata"]
        else:
            assert one.identity.namespace in ours, one.identity


def test_a_task_pod_knows_no_key_and_has_no_token(manifests: list[Manifest]) -> None:
    whole = task_pod(manifests)
    spec = whole["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["restartPolicy"] == "Never"
    base = next(each for each in spec["containers"] if each["name"] == "base")
    names = [variable["name"] for variable in base.get("env", [])]
    print(names, [volume["name"] for volume in spec["volumes"]])
    assert not [name for name in names if SECRET_VARIABLES.search(name)]
    assert "envFrom" not in base
    mounted = {mount["name"] for mount in base["volumeMounts"]}
    secret = {volume["name"] for volume in spec["volumes"] if "secret" in volume}
    assert not mounted & secret


def test_no_role_grants_secrets_or_a_way_into_pods(manifests: list[Manifest]) -> None:
    roles = [one for one in manifests if one["kind"] in {"Role", "ClusterRole"}]
    faults = []
    for one in roles:
        for rule in one.get("rules") or ():
            print(one.identity, rule["verbs"], rule.get("resources", rule.get("nonResourceURLs")))
            asked = {*rule["verbs"], *rule.get("resources", ()), *rule.get("apiGroups", ())}
            if asked & FORBIDDEN:
                faults.append((one.identity, asked & FORBIDDEN))
    assert len(roles) >= 3
    assert not faults


def test_a_task_pods_references_are_in_its_namespace(manifests: list[Manifest]) -> None:
    home = next(one for one in manifests if one["kind"] == "ResourceQuota").identity.namespace
    spec = task_pod(manifests)["spec"]
    there = {(one["kind"], one.identity.name) for one in manifests
             if one.identity.namespace == home}  # fmt: skip
    wanted = {("ServiceAccount", spec["serviceAccountName"])}
    wanted |= {("ConfigMap", v["configMap"]["name"]) for v in spec["volumes"] if "configMap" in v}
    print(wanted)
    assert wanted <= there


def test_only_secrets_show_a_key(manifests: list[Manifest], keys: KeyStore) -> None:
    secrets = list(keys.secrets())
    assert len(secrets) >= 6
    shown = [one.identity for one in manifests if one["kind"] != "Secret"
             for secret in secrets if secret in json.dumps(one)]  # fmt: skip
    assert not shown
    inside = "".join(base64.b64decode(value).decode() for one in manifests
                     if one["kind"] == "Secret" for value in one["data"].values())  # fmt: skip
    assert any(secret in inside for secret in secrets)


def test_jobs_come_before_the_release(manifests: list[Manifest]) -> None:
    waves = {one.identity.name: one.wave for one in manifests}
    migrate = next(wave for name, wave in waves.items() if name.startswith("airflow-migrate-"))
    print(waves)
    assert migrate < waves["airflow-scheduler"]
    if "postgresql" in waves:
        database = next(one.wave for one in manifests if one["kind"] == "StatefulSet")
        assert database < migrate


def test_each_workload_says_its_selector_and_image(manifests: list[Manifest]) -> None:
    deployments = [one for one in manifests if one["kind"] in {"Deployment", "StatefulSet"}]
    assert len(deployments) >= 4
    for one in deployments:
        template = one["spec"]["template"]
        labels = template["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
        for container in template["spec"]["containers"]:
            image = container["image"]
            print(one.identity, image)
            assert re.search(r"(:[^/:@]+|@sha256:[0-9a-f]{64})$", image), image
            assert not image.endswith(":latest") or "localhost/" in image


def test_rendering_twice_gives_the_same(helm: Path, keys: KeyStore, rendered: Rendered) -> None:
    again = render(settings("local"), helm=helm, keys=keys)
    assert [dict(one) for one in again] == [dict(one) for one in rendered("local", EMBEDDED)]
