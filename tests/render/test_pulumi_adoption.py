"""Pulumi's own programs against a real API server: what is imported, kept, refused and deleted.

No pod runs there, so that nothing is brought up which waits for one.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.cli import adopt
from infra.deploy.adoption import Plan, Program
from infra.deploy.pulumi_state import State
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.render import render
from infra.render.resource import RELEASE
from infra.settings.stack import merge
from infra.values import names
from tests.render.pulumi_stack import MISSING, Stack
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.apiserver,
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"not on PATH: {', '.join(MISSING)}: NOT proven are imports, kept keys, "
        "states of version 0.1, killed runs and renamed namespaces with Pulumi itself",
    ),
]
KEEPS = {"database": {"internal": {"keepVolume": True}}}
ELSEWHERE = {"database": {"internal": None, "external": {"host": "h", "existingSecret": "s"}}}
KEYS = ("namespaces*", "keys*", "database", "database-password", "database-login")
KEPT = {names.FERNET_KEY, names.POSTGRESQL, names.ADMIN}


Make = Callable[..., Stack]


@pytest.fixture
def make(nodeless: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    # What is current is not what is meant.
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    return lambda **change: Stack(nodeless, tmp_path / "state", change)


def row(state: State, name: str) -> dict[str, Any]:
    (found,) = (dict(one) for one in state.resources if str(one["urn"]).endswith(f"::{name}"))
    return found


@pytest.mark.parametrize("how", ["destroyed", "lost"])
def test_a_deploy_goes_on_with_the_keys_that_the_cluster_keeps(make: Make, how: str) -> None:
    made = make(**KEEPS)
    made.up(*KEYS, "database-connection", "database-volume")
    fernet, password = (
        made.secret(names.FERNET_KEY, "fernet-key"),
        made.secret(names.POSTGRESQL, "password"),
    )
    if how == "destroyed":
        made.destroy()
        assert made.there("secrets") == KEPT
        assert not made.engine.state().entries
    else:
        made.lose()
    made.resume()
    state = made.engine.state()
    for name in ("namespaces-airflow", "keys-fernet-key-secret", "database-volume"):
        assert row(state, name)["retainOnDelete"], name
    assert password not in json.dumps(state.whole)
    assert not list(made.folder.rglob("import.json"))
    made.up(*KEYS, "database-connection", "database-volume")
    assert made.secret(names.FERNET_KEY, "fernet-key") == fernet
    assert made.secret(names.POSTGRESQL, "password") == password
    assert password in made.secret(names.METADATA, "connection")


def test_other_keys_are_refused_and_adopt_has_the_state_take_the_clusters(make: Make) -> None:
    made = make(**KEEPS)
    made.up(*KEYS)
    before = made.secret(names.FERNET_KEY, "fernet-key")
    made.lose()
    made.up("keys", "keys-fernet-key")  # as a bare `pulumi up` does before it fails at the Secret
    with pytest.raises(UpdraftError, match="write over them: airflow-fernet-key") as caught:
        made.resume()
    assert "make adopt" in caught.value.fix
    engine = made.engine
    plan = Plan.of(engine, engine.state(), Program.of(engine), made.ownership)
    assert any("in place of the state's" in line for line in plan.lines())
    assert not any(before in line for line in plan.lines())
    plan.carry_out(engine, made.ownership)
    made.up(*KEYS)
    made.resume()
    assert made.secret(names.FERNET_KEY, "fernet-key") == before


def unmarked(made: Stack) -> None:
    """Make state and objects what version 0.1 left: nothing marked as to stay, no labels."""
    engine = made.engine
    before = engine.state()
    for one in before.entries:
        where = ["-n", one.identity.namespace] if one.identity.namespace else []
        made.kubectl.run("label", one.identity.resource, one.identity.name, *where,
                         f"{names.OWNER}-")  # fmt: skip
    rows = [
        {key: value for key, value in one.items() if key != "retainOnDelete"}
        for one in before.resources
    ]
    whole = {**before.whole, "deployment": {**before.whole["deployment"], "resources": rows}}
    engine.write(State(whole), before=before)
    assert not any(one.get("retainOnDelete") for one in made.engine.state().resources)


def test_a_platform_of_version_0_1_is_removed_without_what_is_to_stay(make: Make) -> None:
    made = make(**KEEPS)
    made.up(*KEYS)
    made.kubectl.run("create", "configmap", "theirs", "-n", made.name)
    unmarked(made)
    made.destroy()
    assert made.there("configmaps") == {"theirs"}
    assert made.there("secrets") == KEPT
    spaces = {one["metadata"]["name"] for one in made.kubectl.items("namespaces")}
    # Those in which nothing was go.
    assert {each for each in spaces if each.startswith(made.name)} == {made.name}


def test_namespaces_of_version_0_1_stay_when_they_are_no_more_made(make: Make) -> None:
    made = make(**KEEPS)
    made.up(*KEYS)
    unmarked(made)
    made.config = merge(made.config, {"namespaces": {"create": False}})
    made.resume()
    made.up(*KEYS)
    assert "core/v1:Namespace::" not in str(made.engine.state().urns)
    assert made.there("secrets") >= {names.FERNET_KEY, names.ADMIN}


def test_what_a_killed_run_made_is_taken_up_or_deleted_where_it_replaces(make: Make) -> None:
    made = make(**ELSEWHERE)
    resources = ("namespaces*", "keys*", "database", "options*", "migrations", "migrations-config",
                 "migrations-migrate")  # fmt: skip
    made.up(*resources[:-1])

    def jobs(number: int) -> Callable[[], bool]:
        return lambda: len(made.there("jobs")) == number

    made.killed(*resources, when=jobs(1))
    assert made.engine.state().creating
    before = made.there("jobs")
    made.resume()
    state = made.engine.state()
    assert not state.pending
    assert {row(state, "migrations-migrate")["id"]} == {f"{made.name}/{one}" for one in before}
    # Another image gives the Job another name: it is made before the old one goes.
    made.config = merge(made.config, {"image": {"tag": "next"}})
    made.killed(*resources, when=jobs(2))
    assert made.engine.state().creating
    made.resume()
    assert made.there("jobs") == before
    assert not made.engine.state().pending
    # One that is killed and then removed leaves what is to stay, and nothing else.
    made.killed(*resources, when=jobs(2))
    made.destroy()
    assert made.there("jobs,configmaps") == set()
    assert made.there("secrets") == {names.FERNET_KEY, names.ADMIN}


def test_what_others_have_is_refused_before_anything_is_made(make: Make) -> None:
    made = make()
    made.kubectl.run("create", "namespace", made.name)
    with pytest.raises(UpdraftError, match=f"Namespace {made.name}: it bears no"):
        made.resume()
    assert not made.engine.state().resources


def test_a_bare_up_refuses_renamed_namespaces(make: Make) -> None:
    made = make()
    made.up("namespaces*")
    made.kubectl.run("create", "namespace", f"{made.name}-new")
    made.config = merge(made.config, {"namespaces": {"airflow": f"{made.name}-new"}})
    with pytest.raises(UpdraftError, match=f"is in the namespace {made.name}, and can't be moved"):
        made.engine.run("up", "--yes", "--skip-preview")
    made.name += "-new"
    assert not made.there("secrets,configmaps")


def install(made: Stack, helm: Path, labels: dict[str, str]) -> None:
    """Install the release as Helm does, but wait for nothing."""
    program = Program.of(made.engine)
    (release,) = (one["inputs"] for one in program.resources if one["type"] == RELEASE)
    whole = merge(release["values"], {"labels": None})
    done = subprocess.run(
        [helm, "upgrade", "--install", names.RELEASE, release["chart"], "-n", made.name,
         "--no-hooks", "--kubeconfig", str(made.kubectl.kubeconfig), "-f", "-"],
        input=json.dumps({**whole, "labels": labels}),
        text=True,
        check=False,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_release_is_imported_where_it_bears_the_label_and_nowhere_else(
    make: Make, helm: Path
) -> None:
    made = make()
    made.up("namespaces*")
    install(made, helm, {"team": "another"})
    with pytest.raises(UpdraftError, match="somebody else's"):
        made.resume()
    assert made.engine.state().release is None
    install(made, helm, {names.OWNER: made.name})
    made.resume()
    state = made.engine.state()
    assert state.release
    assert state.release["id"] == f"{made.name}/{names.RELEASE}"
    steps = json.loads(made.engine.run("preview", "--json"))["steps"]
    (step,) = (one for one in steps if one["urn"] == state.release["urn"])
    assert step["op"] == "update", step


def test_adopt_stops_where_another_run_has_changed_the_state(make: Make) -> None:
    made = make()
    made.up("namespaces*")
    engine = made.engine
    state = engine.state()
    adopt.refuse_changed(engine, state)
    made.up("keys*")
    with pytest.raises(UpdraftError, match="another run has changed the state"):
        adopt.refuse_changed(engine, state)


def test_a_platform_whose_settings_are_refused_by_now_can_be_removed(make: Make) -> None:
    made = make(**KEEPS)
    made.up(*KEYS)
    made.config = merge(made.config, {"tasks": {"quota": {"pods": "as many as there are"}}})
    with pytest.raises(UpdraftError):
        made.resume()
    made.destroy()
    assert not made.engine_for_removal.state().entries
    # What it was to keep is no more known: what holds data or a key stays.
    assert made.there("secrets") >= KEPT
    assert any("stays, since the rest is not known" in line for line in made.said)


CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "usual",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": "example.org/none",
}


def volume(claim: str, namespace: str) -> dict[str, Any]:
    spec = {
        "storageClassName": "usual",
        "capacity": {"storage": "100Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/nowhere"},
        "claimRef": {"namespace": namespace, "name": claim},
    }
    metadata = {"name": f"{namespace}-{claim}"}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def test_a_platform_whose_state_was_lost_is_taken_up_and_nothing_of_it_replaced(
    make: Make, helm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whose data would go with its claim.
    made = make(database={"internal": {"keepVolume": False}})
    kubectl = made.kubectl
    kubectl.apply([CLASS, volume(names.POSTGRESQL, made.name)])
    objects = render(made.config, helm=helm, keys=KeyStore(tmp_path / "keys.json"))
    for one in objects:
        kubectl.apply([one])
    wait_for(
        lambda: kubectl.json("get", "pvc", names.POSTGRESQL, "-n", made.name)["spec"].get(
            "volumeName"
        ),
        timeout=60,
        what="the claim to have its volume",
    )
    made.resume()
    state = made.engine.state()
    assert not any(one.get("protect") for one in state.resources)
    # A killed run's Job may have failed, so each is made again.
    assert made.replaced() == {"migrations-migrate", "migrations-admin"}
    # A run that is killed after its import leaves all of it protected, as the API server has it.
    assert len(state.entries) > 50
    made.lose()
    engine = made.engine
    plan = Plan.of(engine, engine.state(), Program.of(engine), made.ownership)
    monkeypatch.setattr(engine, "write", lambda *_, **__: None)
    plan.carry_out(engine, made.ownership)
    assert row(made.engine.state(), "database-volume")["protect"]
    made.resume()
    assert "protect" not in row(made.engine.state(), "database-volume")
    assert made.replaced() == {"migrations-migrate", "migrations-admin"}
    kubectl.run("delete", "storageclass", "usual")
