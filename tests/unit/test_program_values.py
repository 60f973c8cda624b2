"""The pure functions that make chart values, pods and configuration."""

from __future__ import annotations

import configparser
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from infra.settings import Settings, load
from infra.settings.airflow_options import checked
from infra.settings.grammar.kubernetes import amount
from infra.settings.stack import merge, read
from infra.values import config, database, git, pod_template, pods, sizes
from infra.values.airflow import values
from infra.values.image import ImageReference
from tests.ssh import known_hosts, private_key

IMAGE = ImageReference("localhost/updraft/airflow", "abc")
SSH = {
    "dags": {
        "server": None,
        "repository": "git@git.example.com:dags.git",
        "ssh": {"privateKey": private_key(), "knownHosts": known_hosts("git.example.com")},
    }
}


# What the platform sets and does not stand on: a stack may set it otherwise.
FREE = {
    ("core", "load_examples"),
    ("core", "max_active_tasks_per_dag"),
    ("core", "rerun_with_latest_version"),
    ("dag_processor", "refresh_interval"),
    ("fab", "enable_proxy_fix"),
    ("kubernetes_executor", "worker_pods_creation_batch_size"),
    ("logging", "colored_console_log"),
    ("scheduler", "task_queued_timeout"),
    ("workers", "min_heartbeat_interval"),
}


def settings(change: dict[str, Any] | None = None) -> Settings:
    return load(merge(read("local"), change or {}))


def containers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from spec.get("initContainers", [])
    yield from spec["containers"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r/a:1", ImageReference("r/a", "1")),
        ("r:5000/a", ImageReference("r:5000/a")),
        ("r:5000/a:1", ImageReference("r:5000/a", "1")),
        ("r/a@sha256:ab", ImageReference("r/a", None, "sha256:ab")),
        ("r/a:1@sha256:ab", ImageReference("r/a", "1", "sha256:ab")),
    ],
)
def test_an_image_reference_is_taken_apart(text: str, expected: ImageReference) -> None:
    assert ImageReference.parse(text) == expected


def test_a_task_pod_is_restricted_in_every_container() -> None:
    pod = pod_template.pod(settings(SSH), IMAGE)
    spec: Any = pod["spec"]
    examined = list(containers(spec))
    assert [one["name"] for one in examined] == ["git-sync-init", "base"]
    for one in examined:
        context = one["securityContext"]
        print(one["name"], context)
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert {"cpu", "memory"} <= one["resources"]["requests"].keys()
        assert {"cpu", "memory"} <= one["resources"]["limits"].keys()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False


def test_a_task_pod_runs_the_image_of_the_release() -> None:
    by_digest = ImageReference("r/a", None, "sha256:" + "0" * 64)
    chosen = values(settings(), by_digest)
    template = yaml.safe_load(str(chosen["podTemplate"]))
    (base,) = template["spec"]["containers"]
    assert base["image"] == str(by_digest)
    executor: Any = chosen["config"]
    assert executor["kubernetes_executor"]["worker_container_repository"] == ""


def test_braces_reach_the_configuration_as_text() -> None:
    change = {"airflow": {"config": {"email": {"subject_template": "{{ ti.task_id }}"}}}}
    given: Any = values(settings(change), IMAGE)["config"]
    assert given["email"]["subject_template"] == '{{ "{{" }} ti.task_id }}'
    assert config.control_plane(settings(change))["email"]["subject_template"] == "{{ ti.task_id }}"


def test_a_stacks_own_option_wins() -> None:
    change = {
        "airflow": {"config": {"core": {"max_active_runs_per_dag": 3}, "smtp": {"smtp_port": 25}}}
    }
    whole = config.control_plane(settings(change))
    assert (whole["core"]["max_active_runs_per_dag"], whole["smtp"]["smtp_port"]) == ("3", "25")


@pytest.mark.parametrize("mode", ["bundled", "operator", "none"])
def test_each_option_of_the_platform_is_reserved_or_named_as_free(mode: str) -> None:
    change = {"monitoring": {"mode": mode}, "airflow": {"baseUrl": "https://example.com/a"}}
    made = config.control_plane(settings(change))
    options = {(section, option) for section in made for option in made[section]}
    free = set()
    for section, option in options:
        try:
            checked({section: {option: "x"}})
        except ValueError as error:
            print(error)
        else:
            free.add((section, option))
    print(sorted(free))
    assert len(options) > 35
    assert free == FREE


def test_a_task_reads_only_what_it_needs() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(config.as_file(config.task(settings())))
    print(parser.sections())
    assert {"core", "logging", "workers", "dag_processor"} <= set(parser.sections())
    assert not {"database", "kubernetes_executor", "scheduler", "fab"} & set(parser.sections())
    assert parser["core"]["execution_api_server_url"].startswith(
        "http://airflow-api-server.airflow.svc.cluster.local:8080/"
    )


def test_tasks_and_control_plane_know_the_webhooks_connection_by_its_name() -> None:
    chosen = settings({"notifications": {"connectionId": "alerts"}})
    for options in (config.control_plane(chosen), config.task(chosen)):
        print(options["updraft"])
        assert options["updraft"]["notifications_conn_id"] == "alerts"
    assert "notifications_conn_id" not in config.task(settings())["updraft"]


@pytest.mark.parametrize(
    ("base_url", "path"),
    [("https://a.example.com", "/execution/"), ("https://a.example.com/air", "/air/execution/")],
)
def test_the_execution_api_follows_the_base_urls_path(base_url: str, path: str) -> None:
    url = config.execution_api_url(settings({"airflow": {"baseUrl": base_url}}))
    assert url == f"http://airflow-api-server.airflow.svc.cluster.local:8080{path}"


def test_a_password_survives_the_connections_url() -> None:
    change = {"database": {"external": {"host": "h", "user": "a@b", "password": "x"}}}
    external = settings(change).database.external
    assert external is not None
    url = database.external_connection(external, "p@ss/w:rd?")
    assert url == "postgresql://a%40b:p%40ss%2Fw%3Ard%3F@h:5432/airflow?sslmode=require"


def test_an_ssh_remote_is_only_trusted_by_its_host_keys() -> None:
    container: Any = git.init_container(settings(SSH))
    variables = {one["name"]: one.get("value") for one in container["env"]}
    assert variables["GITSYNC_SSH_KNOWN_HOSTS"] == "true"
    assert "/etc/git-secret/known_hosts" in [one["mountPath"] for one in container["volumeMounts"]]
    assert "GITSYNC_PASSWORD" not in variables


def test_a_jobs_identity_is_the_hash_of_its_spec() -> None:
    secrets = {"metadata": "a", "fernet": "b", "api": "c", "admin": "d"}
    one = pods.migrate_job(settings(), IMAGE, secrets)
    other = pods.migrate_job(settings(), ImageReference("r/a", "2"), secrets)
    assert pods.identity(one) == pods.identity(dict(reversed(one.items())))
    assert pods.identity(one) != pods.identity(other)


def test_both_configurations_tell_the_package_sizes_and_quota() -> None:
    change = {"tasks": {"scratchStorageClass": "fast"}}
    for made in (config.control_plane(settings(change)), config.task(settings(change))):
        parser = configparser.ConfigParser()  # as Airflow's own, it expands %
        parser.read_string(config.as_file(made))
        options = parser["updraft"]
        print(dict(options))
        quota = json.loads(options["task_quota"])
        assert quota == sizes.quota(settings())["hard"]
        assert json.loads(options["task_sizes"]).keys() == {"small", "medium", "large"}
        assert options["task_scratch_storage_class"] == "fast"


def test_spot_nodes_are_asked_for_in_addition_to_the_template() -> None:
    change = {
        "tasks": {
            "nodeSelector": {"pool": "tasks", "zone": "a"},
            "tolerations": [{"key": "tasks"}],
            "spot": {"nodeSelector": {"pool": "spot"}, "tolerations": [{"key": "spot"}]},
        }
    }
    spot = json.loads(config.task(settings(change))["updraft"]["task_spot"])
    print(spot)
    assert spot["nodeSelector"] == {"pool": "spot", "zone": "a"}
    assert [each["key"] for each in spot["tolerations"]] == ["tasks", "spot"]


@pytest.mark.parametrize(
    "quota",
    [{"cpu": "300m", "memory": "512Mi"}, {"cpu": 1, "memory": "1.5Gi"}, {"memory": "1000G"}],
)
def test_sizes_that_no_stack_has_named_fit_any_quota(quota: dict[str, Any]) -> None:
    stack = settings({"tasks": {"quota": quota, "sizes": None, "resources": None}})
    found = sizes.sizes(stack)
    print(found)
    assert list(found) == ["small", "medium", "large"]
    assert found["small"] == stack.tasks.resources.as_dict()
    named = {"tasks": {"quota": quota, "sizes": found, "resources": None}}
    assert sizes.sizes(settings(named)) == found  # each passes as if a person had written it
    memory = [amount(str(size["limits"]["memory"])) for size in found.values()]
    assert memory == sorted(memory)
