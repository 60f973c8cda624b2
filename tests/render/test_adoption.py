"""What Pulumi's state is given of what a real API server has; Pulumi's CLI is played."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import adoption
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.deploy.pulumi_engine import Engine
from infra.deploy.pulumi_state import State, urn
from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.render import Manifest, render
from infra.render.program import record
from infra.settings import stack
from tests.render.variants import EMBEDDED

pytestmark = pytest.mark.apiserver
NAME = "adopted"
CONFIG = stack.read(
    "local",
    {
        "platform": {"name": NAME},
        "namespaces": {"airflow": NAME, "tasks": f"{NAME}-tasks", "monitoring": f"{NAME}-watch"},
        "chart": {"path": str(EMBEDDED)},
    },
)


class Played(Engine):
    """An engine whose CLI does nothing but keep what it is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(CONFIG, "local", folder, print)
        self.told: list[tuple[str, Any]] = []

    def whole(self) -> dict[str, object]:
        """Return the settings as they are."""
        return dict(self.config)

    def forget_pending(self, state: State) -> None:
        """Keep that it was told."""
        self.told.append(("forget", state.without_pending()))

    def import_resources(self, file: Mapping[str, Any]) -> None:
        """Keep what it was given."""
        self.told.append(("import", file))


@pytest.fixture(scope="module")
def manifests(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Manifest]:
    keys = KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")
    return {f"{one['kind']}/{one.identity.name}": one for one in
            render(CONFIG, helm=helm, keys=keys)}  # fmt: skip


@pytest.fixture(scope="module")
def cluster(nodeless: Kubectl, manifests: dict[str, Manifest]) -> Kubectl:
    """A cluster with two objects of the platform's, and one that has lost its label."""
    made = [manifests[each] for each in (f"Namespace/{NAME}", "Secret/airflow-fernet-key")]
    nodeless.apply(made)
    foreign = manifests["Secret/airflow-jwt-secret"]
    nodeless.apply([{**foreign, "metadata": {**foreign["metadata"], "labels": {}}}])
    return nodeless


def pending(tmp_path: Path, *names: str) -> State:
    """Return the state of a run that was killed while it made these."""
    urns = [
        urn(one, "local", "updraft")
        for one in record(CONFIG, keys=KeyStore(tmp_path / "keys.json"))
        if one["name"] in names
    ]
    assert len(urns) == len(names)
    operations = [{"type": "creating", "resource": {"urn": each}} for each in urns]
    return State({"deployment": {"resources": [], "pending_operations": operations}})


def test_a_killed_runs_own_objects_are_taken_up(cluster: Kubectl, tmp_path: Path) -> None:
    engine = Played(tmp_path / "engine")
    made = pending(
        tmp_path, "keys-fernet-key-secret", "keys-jwt-secret-secret", "keys-admin-secret"
    )
    adoption.resume(engine, made, Ownership(cluster, Owner.of(CONFIG), ()))
    assert [what for what, _ in engine.told] == ["forget", "import"]
    rows = engine.told[1][1]["resources"]
    # One is not the platform's, one was not made after all.
    assert [(one["name"], one.get("id")) for one in rows] == [
        ("keys", None),
        ("keys-fernet-key-secret", f"{NAME}/airflow-fernet-key"),
    ]


def test_nothing_is_imported_where_no_run_was_killed(cluster: Kubectl, tmp_path: Path) -> None:
    engine = Played(tmp_path / "engine")
    adoption.resume(engine, State({}), Ownership(cluster, Owner.of(CONFIG), ()))
    assert engine.told == []


def test_all_that_the_state_lacks_is_imported_with_its_keys(
    cluster: Kubectl, tmp_path: Path, manifests: dict[str, Manifest]
) -> None:
    ownership = Ownership(cluster, Owner.of(CONFIG), ())
    engine = Played(tmp_path / "engine")
    lacking, found = adoption.imports(engine, State({}), ownership)
    names = {one.resource["name"]: one.id for one in found}
    assert names.keys() == {"namespaces-airflow", "keys-fernet-key-secret", "keys-fernet-key"}
    assert names["namespaces-airflow"] == NAME
    # The id of a random value is the value.
    again = KeyStore(tmp_path / "keys.json")
    drawn = json.dumps(manifests["Secret/airflow-fernet-key"]["data"])
    again.put(
        "random:index/randomBytes:RandomBytes::keys-fernet-key",
        {"base64": names["keys-fernet-key"], "hex": ""},
    )
    secrets = [one for one in record(CONFIG, keys=again) if one["name"] == "keys-fernet-key-secret"]
    assert json.dumps(secrets[0]["inputs"]["data"]) == drawn
    assert lacking.file(found)["resources"]
