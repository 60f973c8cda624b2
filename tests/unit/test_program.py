"""The program's resources, as the SDK's own mock monitor receives them from a whole run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.render.program import record
from infra.render.resource import IMAGE, RELEASE, Resource
from infra.settings.stack import merge, read

Run = Callable[..., list[Resource]]

REMOTE = {
    "dags": {
        "server": None,
        "repository": "https://git.example.com/dags.git",
        "credentials": {"username": "reader", "token": "token-of-the-reader"},
    }
}
EXTERNAL = {"database": {"external": {"host": "db.example.com", "password": "p@ss/word-of-db"}}}
EXISTING = {
    "keys": {
        "fernetKey": "own-fernet",
        "apiSecretKey": "own-api",
        "jwtSecret": "own-jwt",
        "admin": "own-admin",
        "database": "own-database",
    }
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("program") / "keys.json")


@pytest.fixture(scope="module")
def run(keys: KeyStore) -> Run:
    """Runs the program over a change of the stack local; once for each change, as it takes 2 s."""
    known: dict[str, list[Resource]] = {}

    def whole(change: Mapping[str, object] | None = None) -> list[Resource]:
        config = merge(read("local"), change or {})
        text = json.dumps(config, sort_keys=True)
        if text not in known:
            known[text] = record(config, keys=keys)
        return known[text]

    return whole


def of(resources: list[Resource], kind: str) -> list[Resource]:
    return [one for one in resources if one["type"].rpartition(":")[2] == kind]


def one_of(resources: list[Resource], kind: str, name: str = "") -> Resource:
    found = [
        each
        for each in of(resources, kind)
        if not name or each["inputs"]["metadata"]["name"].startswith(name)
    ]
    assert len(found) == 1, f"{kind} {name}: {[each['name'] for each in found]}"
    return found[0]


def objects(resources: list[Resource]) -> list[Resource]:
    return [
        one
        for one in resources
        if one["custom"] and one["type"].startswith("kubernetes:") and one["type"] != RELEASE
    ]


def test_every_resource_belongs_to_a_component_of_ours(run: Run) -> None:
    resources = run()
    components = {one["urn"]: one["type"] for one in resources if not one["custom"]}
    print(sorted(components.values()))
    assert {kind.rpartition(":")[0] for kind in components.values()} == {"updraft:infra"}
    children = [
        one for one in resources if one["custom"] and not one["type"].startswith("pulumi:providers")
    ]
    assert len(children) > 40
    assert [one["name"] for one in children if one["parent"] not in components] == []


def test_every_object_has_a_name_of_its_own(run: Run) -> None:
    found = objects(run())
    assert len(found) > 30
    unnamed = [one["name"] for one in found if not one["inputs"]["metadata"].get("name")]
    assert unnamed == []


def test_the_provider_is_given_its_context(run: Run) -> None:
    change = {"cluster": {"context": "there", "kubeconfig": "/etc/kubeconfig"}, **EXTERNAL}
    (provider,) = [one for one in run(change) if one["type"] == "pulumi:providers:kubernetes"]
    inputs = provider["inputs"]
    assert (inputs["context"], inputs["kubeconfig"]) == ("there", "/etc/kubeconfig")
    for switch in ("enableServerSideApply", "enableConfigMapMutable", "enableSecretMutable"):
        assert str(inputs[switch]).lower() == "true"


@pytest.mark.parametrize("change", [{}, REMOTE, EXTERNAL], ids=["local", "remote", "external"])
def test_no_secret_lies_outside_of_a_secret(
    run: Run, keys: KeyStore, change: Mapping[str, object]
) -> None:
    resources = run(change)
    secrets = [*keys.secrets(), "token-of-the-reader", "word-of-db"]
    assert len(secrets) > 6
    open_text = json.dumps(
        [one["inputs"] for one in objects(resources) if "Secret" not in one["type"]]
    )
    values = json.dumps(one_of(resources, "Release")["inputs"])
    assert [secret for secret in secrets if secret in open_text + values] == []


def test_the_task_template_knows_no_secret_of_the_control_plane(run: Run) -> None:
    resources = run()
    template = one_of(resources, "Release")["inputs"]["values"]["podTemplate"]
    of_the_control_plane = {
        one["inputs"]["metadata"]["name"]
        for one in of(resources, "Secret")
        if one["inputs"]["metadata"]["name"] != "git-credentials"
    }
    print(of_the_control_plane)
    assert len(of_the_control_plane) == 6
    assert [name for name in of_the_control_plane if name in template] == []


def test_task_pods_find_what_they_mount_in_their_own_namespace(run: Run) -> None:
    resources = run()
    there = {
        one["inputs"]["metadata"]["name"]
        for one in objects(resources)
        if one["inputs"]["metadata"].get("namespace") == "airflow-tasks"
    }
    assert {"airflow-task", "git-credentials", "tasks"} <= there


def test_keys_are_made_once(run: Run, keys: KeyStore) -> None:
    first, second = run(), record(read("local"), keys=keys)
    secrets = [
        {one["name"]: one["inputs"]["data"] for one in of(each, "Secret")}
        for each in (first, second)
    ]
    assert len(secrets[0]) == 8
    assert secrets[0] == secrets[1]


def test_existing_secrets_are_used_in_place_of_generated_ones(run: Run) -> None:
    resources = run(merge(EXISTING, REMOTE))
    assert [one["name"] for one in resources if one["type"].startswith("random:")] == []
    made = {one["inputs"]["metadata"]["name"] for one in of(resources, "Secret")}
    assert made == {"git-credentials"}
    values = one_of(resources, "Release")["inputs"]["values"]
    assert values["fernetKeySecretName"] == "own-fernet"
    assert values["data"]["metadataSecretName"] == "own-database"
    job = json.dumps(one_of(resources, "Job", "airflow-admin")["inputs"])
    assert all(name in job for name in ("own-fernet", "own-api", "own-admin", "own-database"))


def test_an_external_database_leaves_none_in_the_cluster(run: Run) -> None:
    resources = run(EXTERNAL)
    assert of(resources, "StatefulSet") == []
    assert one_of(resources, "Secret", "airflow-metadata")
    assert retained(resources) == {"Secret airflow-admin", "Secret airflow-fernet-key"}


def test_data_that_is_kept_keeps_its_keys_and_a_namespace_is_never_deleted_with_all_in_it(
    run: Run,
) -> None:
    kept = run({"database": {"internal": {"keepVolume": True}}})
    keys = {"Secret airflow-admin", "Secret airflow-fernet-key", "Secret postgresql"}
    assert retained(kept) == {"PersistentVolumeClaim postgresql", *keys}
    assert retained(run()) == set()
    assert all(one["retain"] for one in of(kept, "Namespace"))


def retained(resources: list[Resource]) -> set[str]:
    """What outlives the program, but for namespaces."""
    kept = [one["inputs"] for one in resources if one["retain"]]
    found = {f"{one['kind']} {one['metadata']['name']}" for one in kept}
    return {one for one in found if not one.startswith("Namespace ")}


def test_a_jobs_name_changes_with_what_it_runs_and_only_then(run: Run) -> None:
    def names(change: Mapping[str, object]) -> list[str]:
        return sorted(one["inputs"]["metadata"]["name"] for one in of(run(change), "Job"))

    first = names({})
    assert first == names({"tasks": {"keepFinishedPods": 0}})
    upgraded = names({"image": {"tag": "another"}})
    assert len({*first, *upgraded}) == 4
    renamed = names({"airflow": {"admin": {"email": "someone@example.com"}}})
    assert renamed[0] != first[0]
    assert renamed[1] == first[1]


def test_the_release_waits_for_the_administrator_who_waits_for_the_migration(run: Run) -> None:
    resources = run()
    release = one_of(resources, "Release")
    migrate = one_of(resources, "Job", "airflow-migrate")
    admin = one_of(resources, "Job", "airflow-admin")
    assert admin["urn"] in release["dependencies"]
    assert migrate["urn"] in admin["dependencies"]
    database = one_of(resources, "StatefulSet")
    assert database["urn"] in migrate["dependencies"]


def test_no_release_goes_back_by_itself_or_leaves_before_it_is_ready(run: Run) -> None:
    inputs = one_of(run(), "Release")["inputs"]
    assert (inputs["atomic"], inputs["skipAwait"]) == (False, False)
    assert inputs["timeout"] > 300


@pytest.mark.parametrize(
    ("chart", "expected"),
    [
        ({}, {"chart": "airflow", "version": "1.22.0"}),
        (
            {"repository": "oci://h.example.com/charts"},
            {"chart": "oci://h.example.com/charts/airflow"},
        ),
        ({"path": "/srv/chart.tgz"}, {"chart": "/srv/chart.tgz"}),
    ],
)
def test_the_chart_comes_from_where_the_settings_say(
    run: Run, chart: Mapping[str, object], expected: Mapping[str, str]
) -> None:
    inputs = one_of(run({"chart": chart}), "Release")["inputs"]
    assert {key: inputs[key] for key in expected} == expected
    assert ("repositoryOpts" in inputs) == (not chart)


def test_a_build_is_tagged_by_its_content_and_pushed(run: Run) -> None:
    image: dict[str, object] = {"repository": "r.example.com/airflow", "tag": None, "build": {}}
    change: dict[str, object] = {"image": image}
    resources = run(change)
    (built,) = [one for one in resources if one["type"] == IMAGE]
    (reference,) = built["inputs"]["tags"]
    repository, _, tag = reference.rpartition(":")
    assert repository == "r.example.com/airflow"
    assert len(tag) == 12
    assert built["inputs"]["push"] is True
    values = one_of(resources, "Release")["inputs"]["values"]
    assert values["images"]["airflow"]["tag"] == tag
    assert f"{repository}:{tag}" in values["podTemplate"]


def test_finished_pods_that_are_not_kept_need_no_clean_up(run: Run) -> None:
    resources = run({"tasks": {"keepFinishedPods": 0}})
    assert of(resources, "CronJob") == []
    config = one_of(resources, "Release")["inputs"]["values"]["config"]["kubernetes_executor"]
    assert config["delete_worker_pods"] == "True"
    assert one_of(run(), "CronJob")


def test_a_mistake_in_the_settings_stops_the_program(run: Run) -> None:
    with pytest.raises(UpdraftError, match=r"updraft:tasks\.quota\.pods: found 0"):
        run({"tasks": {"quota": {"pods": 0}}})
