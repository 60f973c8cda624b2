"""Both engines make the same objects: Pulumi's own preview against what render records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.pulumi_engine import PROGRAMS, Engine
from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.render.program import record
from tests.programs import programs
from tests.render import apiserver
from tests.render.variants import VARIANTS, settings

# How Pulumi's preview says that a value isn't known before it is made, and that it is secret.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - a marker
# What the SDK tells its provider, and what the provider reads in Chart.yaml.
PROVIDERS_OWN = {
    ("kubernetes:helm.sh/v3:Release", ".compat"),
    ("kubernetes:helm.sh/v3:Release", ".version"),
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """An API server with no objects: a preview asks it to change those that are there already."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}: render is NOT compared with Pulumi")
    folder = tmp_path_factory.mktemp("empty")
    with apiserver.running(programs(*apiserver.NAMES), folder) as kubectl:
        yield kubectl


@pytest.mark.apiserver
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_pulumi_plans_the_objects_that_render_makes(
    variant: str, empty: Kubectl, keys: KeyStore, tmp_path: Path
) -> None:
    cluster = {"context": empty.context, "kubeconfig": str(empty.kubeconfig)}
    config = {**settings(variant), "cluster": cluster}
    engine = Engine(config, "compare", tmp_path, print)
    engine.prepare()
    planned = {
        (step["newState"]["type"], step["urn"].rpartition("::")[2]): step["newState"]
        for step in json.loads(engine.run("preview", "--json"))["steps"]
    }
    whole = engine.whole()
    recorded = {
        (one["type"], one["name"]): one
        for one in record(whole, keys=keys, stack="compare")
        if one["type"].startswith("kubernetes:")
    }
    theirs = {key for key in planned if key[0].startswith("kubernetes:")}
    print(f"{len(recorded)} objects; differ in {set(recorded) ^ theirs}")
    assert len(recorded) >= 25
    assert set(recorded) == theirs
    faults = [
        f"{key}: {fault}"
        for key, one in recorded.items()
        for fault in differences(one["inputs"], planned[key]["inputs"])
        if (key[0], fault.partition(":")[0]) not in PROVIDERS_OWN
    ]
    print(*faults, sep="\n")
    assert not faults


def test_a_difference_between_the_engines_is_found() -> None:
    theirs = {"spec": {"replicas": 1, "ports": [{"port": 1}], "password": {"x": SECRET}}}
    ours = {"spec": {"replicas": 2, "ports": [{"port": 2}], "password": "p", "more": "x"}}
    found = differences(ours, theirs)
    print(found)
    assert [fault.partition(":")[0] for fault in found] == [
        ".spec.more",
        ".spec.ports[0].port",
        ".spec.replicas",
    ]


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Return where two inputs differ, but for what a preview can't show."""
    if theirs == UNKNOWN or (isinstance(theirs, Mapping) and SECRET in theirs.values()):
        return []
    if isinstance(theirs, str) and "[secret]" in theirs:
        return []
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        keys = {key for key in (*ours, *theirs) if key != "__defaults"}
        return [
            fault
            for key in sorted(keys)
            if not _means_nothing(key, ours, theirs)
            for fault in differences(ours.get(key), theirs.get(key), f"{path}.{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = zip(ours, theirs, strict=True)
        return [
            fault
            for number, (own, other) in enumerate(pairs)
            for fault in differences(own, other, f"{path}[{number}]")
        ]
    return [] if ours == theirs else [f"{path}: {ours!r} here, {theirs!r} by Pulumi"]


def _means_nothing(key: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Return whether only one side has a key, and with a value that says nothing."""
    return (key in ours) != (key in theirs) and not (ours.get(key) or theirs.get(key))
