"""Whose is it? On a real API server: what isn't the platform's is as it was, and that is told."""

from __future__ import annotations

import json

import pytest

from infra.cli import adopt
from infra.deploy import live
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.errors import UpdraftError
from infra.render import Identity, Manifest
from infra.values import names
from tests.render.foreign import Foreign, namespace, priority, unchanged
from tests.render.platform import Platform, pod, refused

pytestmark = pytest.mark.apiserver


def samples(platform: Platform) -> list[Manifest]:
    """One object of each sort that was overwritten, restricted or deleted once."""
    secret = platform.make("v1", "Secret", names.FERNET_KEY, data={"fernet-key": "a2V5"})
    quota = platform.make("v1", "ResourceQuota", "tasks", spec={"hard": {"pods": "3"}})
    account = platform.make("v1", "ServiceAccount", names.TASK)
    scheduler = platform.deployment("airflow-scheduler")
    scheduler["spec"]["replicas"] = 0  # no kubelet is there to run one
    role = platform.make(
        "rbac.authorization.k8s.io/v1", "ClusterRole", f"{platform.name}-prometheus", rules=[]
    )
    return [
        secret,
        quota,
        account,
        role,
        platform.config("airflow-jobs", x="1"),
        scheduler,
        Manifest(priority(f"{platform.name}-tasks", **platform.owner.label)),
    ]


@pytest.mark.parametrize("labels", [{}, {"updraft.dev/platform": "other"}], ids=["none", "other"])
def test_a_deploy_is_refused_before_it_changes_what_is_anothers(
    platform: Platform, foreign: Foreign, labels: dict[str, str]
) -> None:
    foreign.make(namespace(platform.name))
    for one in samples(platform):
        foreign.copy(one, **labels)
    with unchanged(foreign):
        message = refused(lambda: platform.deploy(*samples(platform), platform.config("new")))
    for made in foreign.made:
        assert str(made) in message
    assert ("of the platform other" in message) == bool(labels)
    assert "updraft:namespaces.create: false" in message
    assert "make adopt" in message
    assert platform.there("configmaps") == {"airflow-jobs", "kube-root-ca.crt"}


def test_a_helm_release_is_told_as_the_owner(platform: Platform, foreign: Foreign) -> None:
    platform.kubectl.run("create", "namespace", platform.name)
    platform.ownership.take(Identity("v1", "Namespace", "", platform.name))
    scheduler = platform.deployment("airflow-scheduler")
    scheduler["metadata"]["annotations"] = {"meta.helm.sh/release-name": "airflow"}
    foreign.copy(scheduler)
    with unchanged(foreign):
        message = refused(lambda: platform.deploy(platform.deployment("airflow-scheduler")))
    assert "of the Helm release airflow" in message


def test_what_another_has_taken_meanwhile_is_not_pruned(
    platform: Platform, foreign: Foreign
) -> None:
    platform.deploy(platform.config("one"), platform.config("two"))
    label = f"{names.OWNER}=other"
    platform.kubectl.run("label", "configmap", "one", "-n", platform.name, label, "--overwrite")
    foreign.made.append(Identity("v1", "ConfigMap", platform.name, "one"))
    with unchanged(foreign):
        result = platform.deploy()
    assert [one.name for one in result.pruned] == ["two"]
    assert any("ConfigMap one" in line and "platform other" in line for line in platform.said)


def test_a_namespace_with_others_objects_in_it_outlives_the_platform(
    platform: Platform, foreign: Foreign
) -> None:
    platform.deploy(*samples(platform))
    body = platform.config("theirs", x="1")
    foreign.copy(body)
    with unchanged(foreign):
        platform.destroy()
    print(*platform.said, sep="\n")
    assert any("ConfigMap theirs" in line and "stays" in line for line in platform.said)
    assert platform.there("configmaps") == {"theirs", "kube-root-ca.crt"}
    assert platform.there("secrets") == set()


def test_a_namespace_that_holds_nothing_else_goes(platform: Platform) -> None:
    platform.deploy(*samples(platform))
    task = platform.make("v1", "Pod", "task", spec=pod("a:1"))
    task["metadata"]["labels"] |= {"kubernetes_executor": "True"}
    platform.kubectl.run("create", "-f", "-", input=json.dumps(task))
    assert platform.destroy() == []
    spaces = Identity("v1", "Namespace", "", platform.name)
    assert live.read(platform.kubectl, [spaces]) == {}


def test_a_namespace_of_others_is_not_deleted_with_the_platform(
    platform: Platform, foreign: Foreign
) -> None:
    platform.deploy(platform.config("one"))
    foreign.make(namespace(platform.owner.namespaces[1]))
    with unchanged(foreign):
        platform.destroy()
    assert any("stays: it bears no platform's label" in line for line in platform.said)


def test_namespaces_that_are_there_are_used_and_left_as_they_were(
    platform: Platform, foreign: Foreign
) -> None:
    owner = Owner(platform.name, platform.owner.namespaces, creates=False)
    platform.owner = owner
    with pytest.raises(UpdraftError, match="there is no namespace") as caught:
        platform.ownership.refuse_missing_namespaces()
    assert "kubectl create namespace" in str(caught.value)
    for each in owner.namespaces:
        foreign.make(namespace(each))
    settings = platform.settings
    settings["namespaces"] = {**dict(settings["namespaces"]), "create": False}  # type: ignore[call-overload]
    with unchanged(foreign):
        platform.ownership.refuse_missing_namespaces()
        platform.deploy(platform.config("one"), spaces=())
        platform.destroy(settings)
    assert platform.there("configmaps") == {"kube-root-ca.crt"}


def test_a_platform_is_not_made_a_second_time_elsewhere(platform: Platform) -> None:
    platform.deploy(platform.config("one"))
    moved = Owner(platform.name, ("elsewhere", *platform.owner.namespaces[1:]))
    message = refused(Ownership.read(platform.kubectl, moved).refuse_move)
    assert f"is in {platform.name}, and can't be moved" in message
    assert "updraft:namespaces" in message
    platform.ownership.refuse_move()
    # A namespace of its tasks or of monitoring can't be moved either.
    tasks = platform.owner.namespaces[1]
    platform.deploy(platform.config("one"), spaces=(platform.name, tasks))
    renamed = Owner(platform.name, (platform.name, "renamed", platform.owner.namespaces[2]))
    message = refused(Ownership.read(platform.kubectl, renamed).refuse_move)
    assert f"is in {tasks}" in message


def test_another_platforms_namespace_is_refused(platform: Platform) -> None:
    platform.deploy(platform.config("one"))
    other = Owner("other", platform.owner.namespaces)
    message = refused(lambda: Ownership.read(platform.kubectl, other))
    assert f"the namespace {platform.name} is the platform {platform.name}'s" in message


def test_what_is_taken_over_by_name_is_the_platforms_and_nothing_else(
    platform: Platform, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.deploy()
    mine, secret, theirs = (
        platform.config("mine", x="1"),
        platform.make("v1", "Secret", "key", data={"k": "a2V5"}),
        platform.config("theirs", x="1"),
    )
    for one in (mine, secret):
        platform.kubectl.apply([{**one, "metadata": {**one["metadata"], "labels": {}}}])
    foreign.copy(theirs)
    found = platform.ownership.foreign(one.identity for one in (mine, secret, theirs))
    adopt.tell(found, platform.owner, platform.said.append)
    assert any(f"ConfigMap/{platform.name}/mine" in line for line in platform.said)
    name = f"ConfigMap/{platform.name}/mine"
    with pytest.raises(UpdraftError, match="nothing of this name"):
        adopt.chosen("ConfigMap/nowhere/mine", found)
    with pytest.raises(UpdraftError, match="replace the data of Secret") as caught:
        adopt.chosen(f"{name} Secret/{platform.name}/key", found)
    assert "SECRETS=1" in str(caught.value)
    monkeypatch.setenv("YES", "1")
    with unchanged(foreign):
        adopt.take(platform.ownership, adopt.chosen(name, found), platform.said.append)
        platform.deploy(platform.config("mine", x="2"))
    assert platform.live("configmap", "mine")["data"] == {"x": "2"}
    assert "labels" not in platform.live("secret", "key")["metadata"]


def test_what_could_not_be_changed_is_not_taken_over(platform: Platform, foreign: Foreign) -> None:
    platform.deploy()
    fixed = platform.config("fixed", x="1")
    foreign.copy(Manifest({**fixed, "immutable": True}))
    with unchanged(foreign), pytest.raises(UpdraftError, match="can't become") as caught:
        adopt.refuse_fixed(platform.kubectl, [platform.config("fixed", x="2")])
    assert f"ConfigMap/{platform.name}/fixed" in caught.value.what
    assert "delete it" in caught.value.fix
    adopt.refuse_fixed(platform.kubectl, [fixed])
