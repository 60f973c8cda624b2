"""What Pulumi's state is given of what a real API server has; Pulumi's CLI is played."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import adoption
from infra.deploy.adoption import Plan, Program
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.deploy.pulumi_engine import Engine
from infra.deploy.pulumi_import import urn
from infra.deploy.pulumi_state import State
from infra.errors import UpdraftError
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

    def state(self, *, secrets: bool = False) -> State:
        """Return what was written last."""
        del secrets
        return next((what for kind, what in reversed(self.told) if kind == "write"), State({}))

    def write(self, state: State, *, before: State) -> None:
        """Keep what was changed."""
        if state != before:
            self.told.append(("write", state))

    def run(self, *args: str, given: str = "") -> str:
        """Keep the command."""
        del given
        self.told.append((args[0], args))
        return ""

    def import_resources(self, file: Mapping[str, Any]) -> None:
        """Keep what it was given."""
        self.told.append(("import", file))


@pytest.fixture(scope="module")
def manifests(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Manifest]:
    keys = KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")
    return {f"{one['kind']}/{one.identity.name}": one for one in
            render(CONFIG, helm=helm, keys=keys)}  # fmt: skip


@pytest.fixture(scope="module")
def own(nodeless: Kubectl, manifests: dict[str, Manifest]) -> Kubectl:
    """A cluster with two objects of the platform's."""
    made = [manifests[each] for each in (f"Namespace/{NAME}", "Secret/airflow-fernet-key")]
    nodeless.apply(made)
    return nodeless


@pytest.fixture
def cluster(own: Kubectl, manifests: dict[str, Manifest]) -> Iterator[Kubectl]:
    """The same with one that has lost its label."""
    foreign = manifests["Secret/airflow-jwt-secret"]
    own.apply([{**foreign, "metadata": {**foreign["metadata"], "labels": {}}}])
    yield own
    own.run("delete", "secret", foreign.identity.name, "-n", NAME)


def begun(tmp_path: Path, *names: str) -> list[dict[str, Any]]:
    """Return what a state says of these while they are made."""
    found = [
        {"urn": urn(one, "local", "updraft"), "type": one["type"], "inputs": one["inputs"]}
        for one in record(CONFIG, keys=KeyStore(tmp_path / "keys.json"))
        if one["name"] in names
    ]
    assert len(found) == len(names)
    return found


def state(*rows: dict[str, Any], creating: Sequence[dict[str, Any]] = ()) -> State:
    operations = [{"type": "creating", "resource": one} for one in creating]
    return State({"deployment": {"resources": [*rows], "pending_operations": operations}})


def test_a_killed_runs_own_objects_are_taken_up(own: Kubectl, tmp_path: Path) -> None:
    engine = Played(tmp_path / "engine")
    made = state(creating=begun(tmp_path, "keys-fernet-key-secret", "keys-admin-secret"))
    adoption.resume(engine, made, Ownership(own, Owner.of(CONFIG), ()))
    # The provider is made by the program, not found in whatever context is current.
    assert [what for what, _ in engine.told] == ["write", "up", "import"]
    assert engine.told[0][1].pending == []
    assert engine.told[1][1][-1].endswith("::pulumi:providers:kubernetes::cluster")
    names = [one["name"] for one in engine.told[2][1]["resources"] if "id" in one]
    # One was not made after all; of the key, the value is taken up too.
    assert names == ["namespaces-airflow", "keys-fernet-key-secret", "keys-fernet-key"]


def test_what_a_killed_run_made_in_place_of_another_is_deleted(
    own: Kubectl, tmp_path: Path
) -> None:
    engine = Played(tmp_path / "engine")
    (known,) = begun(tmp_path, "migrations-config")
    metadata = {**known["inputs"]["metadata"], "name": "of-before"}
    before = {**known, "id": "of-before", "inputs": {**known["inputs"], "metadata": metadata}}
    ownership = Ownership(own, Owner.of(CONFIG), ())
    own.apply([known["inputs"]])
    other = {**known["inputs"], "metadata": {**metadata, "name": "gone-from-the-program"}}
    own.apply([other])
    creating = [known, {**known, "urn": "urn:gone", "inputs": other}]
    program = Program.of(engine)
    plan = Plan.of(engine, state(before, creating=creating), program, ownership)
    assert {one.name for one in plan.half_made} == {"airflow-jobs", "gone-from-the-program"}
    assert any("airflow-jobs" in line for line in plan.lines())
    plan.carry_out(engine, ownership)
    left = {one["metadata"]["name"] for one in own.items("configmaps", "-n", NAME)}
    assert left == {"kube-root-ca.crt"}


def test_a_deploy_is_refused_where_another_has_what_it_would_make(
    cluster: Kubectl, tmp_path: Path
) -> None:
    engine = Played(tmp_path / "engine")
    ownership = Ownership(cluster, Owner.of(CONFIG), ())
    with pytest.raises(UpdraftError, match="airflow-jwt-secret in adopted: it bears no"):
        adoption.resume(engine, State({}), ownership)
    assert engine.told == []
    # What the state has is the platform's, labelled or not.
    known = state(*(one | {"id": "x"} for one in begun(tmp_path, "keys-jwt-secret-secret")))
    adoption.resume(engine, known, Ownership(cluster, Owner.of(CONFIG), known.entries))
    assert "import" in [what for what, _ in engine.told]


def test_other_keys_than_the_clusters_are_refused_and_adopt_takes_the_clusters(
    own: Kubectl, tmp_path: Path
) -> None:
    engine = Played(tmp_path / "engine")
    (drawn,) = begun(tmp_path, "keys-fernet-key")
    known = state({**drawn, "id": "x", "outputs": {"base64": "bm90IHRoZSBjbHVzdGVyJ3M="}})
    engine.told.append(("write", known))
    ownership = Ownership(own, Owner.of(CONFIG), ())
    with pytest.raises(UpdraftError, match="write over them: airflow-fernet-key") as caught:
        adoption.resume(engine, known, ownership)
    assert "make adopt" in caught.value.fix
    assert len(engine.told) == 1
    plan = Plan.of(engine, known, Program.of(engine), ownership)
    assert any("in place of the state's" in line for line in plan.lines())
    plan.carry_out(engine, ownership)
    assert drawn["urn"] not in engine.told[1][1].urns


def test_all_that_the_state_lacks_is_imported_with_its_keys(
    own: Kubectl, tmp_path: Path, manifests: dict[str, Manifest]
) -> None:
    ownership = Ownership(own, Owner.of(CONFIG), ())
    engine = Played(tmp_path / "engine")
    plan = Plan.of(engine, State({}), Program.of(engine), ownership)
    names = {one.resource["name"]: one.id for one in plan.imports}
    assert names.keys() == {"namespaces-airflow", "keys-fernet-key-secret", "keys-fernet-key"}
    assert names["namespaces-airflow"] == NAME
    assert not any(names["keys-fernet-key"] in line for line in plan.lines())
    # The id of a random value is the value.
    again = KeyStore(tmp_path / "keys.json")
    drawn = json.dumps(manifests["Secret/airflow-fernet-key"]["data"])
    stored = "random:index/randomBytes:RandomBytes::keys-fernet-key"
    again.add({stored: {"base64": names["keys-fernet-key"], "hex": ""}})
    secrets = [one for one in record(CONFIG, keys=again) if one["name"] == "keys-fernet-key-secret"]
    assert json.dumps(secrets[0]["inputs"]["data"]) == drawn
