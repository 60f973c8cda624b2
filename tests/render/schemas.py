"""Kubernetes' own OpenAPI v3 documents as strict validators: an unknown field is a fault.

The Prometheus Operator's custom resources have theirs from its definitions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from infra import versions
from infra.local.shell import run
from infra.local.tools import ToolCache

OPERATOR_API = "monitoring.coreos.com/v1"


class Schemas:
    """The schemas of one version of Kubernetes.

    Args:
        source: The folder of the module k8s.io/kubernetes.
        operator: The folder of the operator's definitions.
    """

    def __init__(self, source: Path, operator: Path) -> None:
        self.folder = source / "api" / "openapi-spec" / "v3"
        self.operator = operator
        self._documents: dict[str, dict[str, Any]] = {}

    @cached_property
    def versions(self) -> set[str]:
        """Every apiVersion that there are schemas for."""
        names = [path.name.removesuffix("_openapi.json") for path in self.folder.glob("*.json")]
        parts = [name.split("__") for name in names]
        return {"/".join(each[1:]) for each in parts if len(each) > 1}

    def faults(self, manifest: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with an object, each with its path."""
        api, kind = manifest["apiVersion"], manifest["kind"]
        if api == OPERATOR_API:
            return self._custom_faults(manifest)
        if api not in self.versions:
            return [f"no such apiVersion: {api}"]
        document = self._document(api)
        name = _schema_of(document, api, kind)
        if name is None:
            return [f"no kind {kind} in {api}"]
        whole = {**document, "$ref": f"#/components/schemas/{name}"}
        found = Draft202012Validator(whole).iter_errors(dict(manifest))
        return [f"{error.json_path}: {error.message[:200]}" for error in found]

    def _custom_faults(self, manifest: Mapping[str, Any]) -> list[str]:
        file = self.operator / f"monitoring.coreos.com_{manifest['kind'].lower()}s.yaml"
        [version] = [
            each
            for each in yaml.safe_load(file.read_text())["spec"]["versions"]
            if manifest["apiVersion"].endswith(each["name"])
        ]
        schema = _strict(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        found = Draft202012Validator(schema).iter_errors(dict(manifest))
        return [f"{error.json_path}: {error.message[:200]}" for error in found]

    def _document(self, api: str) -> dict[str, Any]:
        if api not in self._documents:
            group, _, version = api.rpartition("/")
            stem = f"apis__{group}__{version}" if group else f"api__{version}"
            path = self.folder / f"{stem}_openapi.json"
            schemas = json.loads(path.read_text())["components"]["schemas"]
            for schema in schemas.values():
                if "properties" in schema:
                    schema.setdefault("additionalProperties", False)
            self._documents[api] = {"components": {"schemas": schemas}}
        return self._documents[api]


def operator_definitions(cache: Path) -> Path:
    """The folder of the Prometheus Operator's definitions, fetched from its Go module."""
    store = ToolCache(cache)
    module = f"github.com/prometheus-operator/prometheus-operator@{versions.PROMETHEUS_OPERATOR}"
    environment = {**store.environment(), "GOFLAGS": "-mod=mod"}
    answer = run(
        store.go(print), "mod", "download", "-json", module, env=environment, cwd=Path("/")
    )
    return Path(json.loads(answer)["Dir"]) / "example" / "prometheus-operator-crd"


def _strict(schema: Any) -> Any:
    """The schema with every object closed to what it does not name."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        closed["type"] = ["integer", "string"]
    return closed


def _schema_of(document: Mapping[str, Any], api: str, kind: str) -> str | None:
    group, _, version = api.rpartition("/")
    wanted = {"group": group, "kind": kind, "version": version}
    for name, schema in document["components"]["schemas"].items():
        if wanted in schema.get("x-kubernetes-group-version-kind", []):
            return str(name)
    return None
