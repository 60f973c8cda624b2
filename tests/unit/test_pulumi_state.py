"""What Pulumi's state says, and the file by which it is given what it lacks."""

from __future__ import annotations

from typing import Any

import pytest

from infra.deploy.owner import Owner
from infra.deploy.pulumi_import import Import, identity, import_file, urn
from infra.deploy.pulumi_state import State
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.render.program import record
from infra.render.resource import Resource
from infra.settings.stack import read

STACK = "urn:pulumi:local::updraft::pulumi:pulumi:Stack::updraft-local"
KEYS = "urn:pulumi:local::updraft::updraft:infra:Keys::keys"
OBJECT = (
    "urn:pulumi:local::updraft::updraft:infra:Keys$kubernetes:core/v1:Secret"
    "::keys-fernet-key-secret"
)
FERNET = (
    "urn:pulumi:local::updraft::updraft:infra:Keys$random:index/randomBytes:RandomBytes"
    "::keys-fernet-key"
)
OWNER = Owner("updraft-local", ("airflow", "airflow-tasks", "airflow-monitoring"))


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resource]:
    keys = KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")
    found = record(read("local"), keys=keys)
    return {urn(one, "local", "updraft"): one for one in found}


def state(*resources: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> State:
    return State({"deployment": {"resources": [*resources], "pending_operations": [*pending]}})


def stack(**spaces: str) -> dict[str, Any]:
    return {"urn": STACK, "type": "pulumi:pulumi:Stack", "outputs": {"namespaces": spaces}}


def test_a_urn_is_that_of_pulumis_engine(resources: dict[str, Resource]) -> None:
    assert {KEYS, OBJECT, FERNET} <= resources.keys()
    assert str(identity(resources[OBJECT])) == "Secret airflow-fernet-key in airflow"
    assert identity(resources[KEYS]) is None
    assert identity(resources[FERNET]) is None


def test_an_import_makes_the_components_that_the_state_lacks(
    resources: dict[str, Resource],
) -> None:
    imports = [
        Import(resources[FERNET], "a2V5"),
        Import(resources[OBJECT], "airflow/airflow-fernet-key"),
    ]
    made = import_file(imports, list(resources.values()), "local", "updraft", set())
    assert made["nameTable"] == {
        "cluster": "urn:pulumi:local::updraft::pulumi:providers:kubernetes::cluster"
    }
    component, key, secret = made["resources"]
    assert component == {"type": "updraft:infra:Keys", "name": "keys", "component": True}
    assert key["id"] == "a2V5"
    assert "provider" not in key
    assert secret["provider"] == "cluster"
    assert key["parent"] == secret["parent"] == "keys"
    there = import_file(imports, list(resources.values()), "local", "updraft", {KEYS})
    assert there["nameTable"]["keys"] == KEYS
    assert [one.get("component") for one in there["resources"]] == [None, None]


def test_what_a_killed_run_was_making_is_known_and_can_be_forgotten() -> None:
    open_ = {"type": "creating", "resource": {"urn": OBJECT}}
    other = {"type": "updating", "resource": {"urn": FERNET}}
    killed = state(stack(), pending=(open_, other))
    assert [one["urn"] for one in killed.creating] == [OBJECT]
    assert len(killed.pending) == 2
    forgotten = killed.without_pending()
    assert forgotten.pending == []
    assert forgotten.urns == {STACK}
    assert forgotten.version != killed.version


def row(kind: str, name: str, **more: Any) -> dict[str, Any]:
    inputs = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "a"}}
    type_ = f"kubernetes:core/v1:{kind}"
    return {"urn": f"{STACK}${type_}::{name}", "type": type_, "id": name, "inputs": inputs, **more}


def test_what_the_state_has_is_the_platforms_whether_labelled_or_not() -> None:
    found = state(
        stack(),
        row("Secret", "there"),
        row("Secret", "replaced", delete=True),
        row("Secret", "gone", pendingReplacement=True),
    ).entries
    assert [(one.identity.name, one.labelled) for one in found] == [("there", False)]


def test_namespaces_and_what_the_program_retains_are_so_marked() -> None:
    secret, other, space = row("Secret", "kept"), row("Secret", "other"), row("Namespace", "a")
    old = state(stack(), secret, other, space)
    marked = old.retained({secret["urn"]})
    names = {one.get("id") for one in marked.resources if one.get("retainOnDelete")}
    assert names == {"kept", "a"}
    assert marked.retained({secret["urn"]}) == marked
    assert old.retained(set()) != old


def test_what_was_imported_is_as_declared_applied_by_who_applied_it_and_protected_no_more() -> None:
    def field(manager: str, time: str, operation: str = "Apply") -> dict[str, str]:
        return {"manager": manager, "operation": operation, "time": time}

    fields = [field("pulumi-kubernetes-1", "2026"), field("kubectl-edit", "2027", "Update")]
    spec = {"volumeName": "pvc-1", "resources": {}}
    outputs = {"metadata": {"managedFields": fields}, "__fieldManager": "pulumi-kubernetes-2"}
    imported = row("PersistentVolumeClaim", "v", outputs=outputs, protect=True)
    imported["inputs"]["spec"] = spec
    labels = {"updraft.dev/platform": "p", "a": "b"}
    metadata = {"name": "v", "labels": labels}
    wanted = {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {"resources": {}}}
    users = row("Secret", "theirs", protect=True, propertyDependencies={"data": []})
    before = state(stack(), imported, users)
    after = before.declared({imported["urn"]: wanted, users["urn"]: wanted})
    assert after.resources[2] == users
    mended = after.resources[1]
    assert "protect" not in mended
    assert mended["inputs"]["spec"] == {"resources": {}}
    # What differs has the next run apply it.
    assert mended["inputs"]["metadata"]["labels"] == {"a": "b"}
    assert mended["outputs"]["__fieldManager"] == "pulumi-kubernetes-1"
    assert after.declared({imported["urn"]: {}}) == after


def test_a_drawn_value_is_read_and_taken_out_with_what_names_it() -> None:
    shown = {"4dabf18193072939515e22adb298388d": "1b47", "plaintext": '"a2V5"'}
    kind = "random:index/randomBytes:RandomBytes"
    drawn = {"urn": FERNET, "type": kind, "outputs": {"base64": shown}}
    after = row(
        "Secret", "s", dependencies=[FERNET, STACK], propertyDependencies={"data": [FERNET]}
    )
    whole = state(stack(), drawn, after)
    assert whole.drawn(kind, "keys-fernet-key") == (FERNET, "a2V5")
    assert whole.drawn(kind, "key") is None
    left = whole.without({FERNET})
    assert left.urns == {STACK, after["urn"]}
    assert left.resources[1]["dependencies"] == [STACK]
    assert left.resources[1]["propertyDependencies"] == {"data": []}
    assert whole.without(set()) == whole


def test_a_platform_is_not_made_a_second_time_in_other_namespaces() -> None:
    made = {"urn": OBJECT, "type": "kubernetes:core/v1:Secret"}
    spaces = dict(zip(("airflow", "tasks", "monitoring"), OWNER.namespaces, strict=True))
    state(stack(**spaces), made).refuse_move(OWNER)
    moved = state(stack(**{**spaces, "tasks": "old-tasks"}), made)
    with pytest.raises(UpdraftError, match="is in old-tasks, and can't be moved") as caught:
        moved.refuse_move(OWNER)
    assert "updraft:namespaces" in str(caught.value)
    # A stack that was destroyed is nowhere; neither is one that was never deployed.
    state(stack(**{**spaces, "tasks": "old-tasks"})).refuse_move(OWNER)
    State({}).refuse_move(OWNER)
