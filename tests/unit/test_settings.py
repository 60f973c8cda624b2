"""Settings: what a stack may say, and how a mistake is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from infra.errors import UpdraftError
from infra.root import ROOT
from infra.settings import Settings, load, reference
from infra.settings.faults import describe
from infra.settings.stack import merge, read

SMALLEST: dict[str, object] = {
    "platform": {"name": "here"},
    "cluster": {"context": "here"},
    "image": {"repository": "registry.example.com/airflow", "tag": "1"},
    "dags": {"repository": "https://git.example.com/dags.git"},
}

# What is laid over the smallest settings, the key that has to be named, what was found, what is
# allowed.
MISTAKES: dict[str, tuple[Mapping[str, object], str, str, str]] = {
    "unknown area": ({"dag": {}}, "updraft:dag", "this unknown key", "dags"),
    "unknown key": (
        {"cluster": {"contxt": "x"}},
        "updraft:cluster.contxt",
        "this unknown key",
        "context, kubeconfig",
    ),
    "no context": ({"cluster": {"context": None}}, "updraft:cluster.context", "nothing", "a value"),
    "empty context": ({"cluster": {"context": " "}}, "updraft:cluster.context", '" "', "one line"),
    "same namespaces": (
        {"namespaces": {"airflow": "a", "tasks": "a"}},
        "updraft:namespaces",
        "an object with airflow, tasks",
        "three different names",
    ),
    "namespace with a capital": (
        {"namespaces": {"tasks": "Tasks"}},
        "updraft:namespaces.tasks",
        '"Tasks"',
        "1 to 63 of a-z",
    ),
    "no image": ({"image": {"tag": None}}, "updraft:image", "an object", "exactly one of tag"),
    "two images": (
        {"image": {"digest": "sha256:" + "0" * 64}},
        "updraft:image",
        "an object with digest",
        "(here tag and digest)",
    ),
    "pull policy": (
        {"image": {"pullPolicy": "Sometimes"}},
        "updraft:image.pullPolicy",
        '"Sometimes"',
        "'IfNotPresent', 'Always' or 'Never'",
    ),
    "unknown name in a link": (
        {"links": {"pod": "https://pods.example.com/{podd}"}},
        "updraft:links.pod",
        '"https://pods.example.com/{podd}"',
        "a template without {podd}; it may name {dag_id}",
    ),
    "brace alone in a link": (
        {"links": {"source": "https://git.example.com/{commit}/{file"}},
        "updraft:links.source",
        '"https://git.example.com/{commit}/{file"',
        "a template without {file",
    ),
    "link that runs a script": (
        {"links": {"extra": [{"name": "x", "url": "javascript:alert(1)"}]}},
        "updraft:links.extra.0.url",
        '"javascript:alert(1)"',
        "an http(s) address",
    ),
    "link without an address": (
        {"links": {"extra": [{"name": "x", "url": ""}]}},
        "updraft:links.extra.0.url",
        '""',
        "at least 1 character",
    ),
    "an address for a connection's id": (
        {"notifications": {"connectionId": "https://hooks.example.com/T0/hunter2"}},
        "updraft:notifications.connectionId",
        "a secret value (not shown)",
        "text that matches",
    ),
    "two links of one name": (
        {"links": {"extra": [{"name": "Pod", "url": "https://example.com"}]}},
        "updraft:links",
        "an object with extra",
        '"Pod" is taken',
    ),
    "no repository of DAGs": (
        {"dags": {"repository": None}},
        "updraft:dags",
        "an object with no key",
        "repository, or server",
    ),
    "not a remote": (
        {"dags": {"repository": "/srv/dags"}},
        "updraft:dags.repository",
        '"/srv/dags"',
        "a remote such as https://git.example.com/data/dags.git",
    ),
    "a token in the address": (
        {"dags": {"repository": "https://me:token@git.example.com/dags.git"}},
        "updraft:dags.repository",
        "(not shown)",
        "a remote without a login in it",
    ),
    "ssh without a key": (
        {"dags": {"repository": "git@git.example.com:dags.git"}},
        "updraft:dags",
        "an object with repository",
        "ssh, and no credentials",
    ),
    "DAGs outside of the repository": (
        {"dags": {"subPath": "../dags"}},
        "updraft:dags.subPath",
        '"../dags"',
        "a folder inside the repository",
    ),
    "two ways to log in": (
        {"dags": {"credentials": {"existingSecret": "a", "username": "b", "token": "c"}}},
        "updraft:dags.credentials",
        "an object with existingSecret, token, username",
        "either existingSecret, or username and token",
    ),
    "a number for a password": (
        {"database": {"external": {"host": "h", "password": 7134}}},
        "updraft:database.external.password",
        "a secret value (not shown)",
        "text in quotes",
    ),
    "no password": (
        {"database": {"external": {"host": "h"}}},
        "updraft:database.external",
        "an object with host",
        "exactly one of password and existingSecret",
    ),
    "port": (
        {"database": {"external": {"host": "h", "password": "p", "port": 70000}}},
        "updraft:database.external.port",
        "70000",
        "less than or equal to 65535",
    ),
    "quantity": (
        {"database": {"internal": {"storage": "10 GB"}}},
        "updraft:database.internal.storage",
        '"10 GB"',
        "a Kubernetes quantity",
    ),
    "node port without NodePort": (
        {"airflow": {"ui": {"nodePort": 30080}}},
        "updraft:airflow.ui",
        "an object with nodePort",
        'serviceType "NodePort"',
    ),
    "a secret in the configuration": (
        {"airflow": {"config": {"core": {"fernet_key": "abc"}}}},
        "updraft:airflow.config",
        "an object with core",
        "[core] fernet_key would be written to a ConfigMap",
    ),
    "no replica": (
        {"airflow": {"scheduler": {"replicas": 0}}},
        "updraft:airflow.scheduler.replicas",
        "0",
        "greater than or equal to 1",
    ),
    "a task that never fits": (
        {"tasks": {"quota": {"cpu": "100m"}}},
        "updraft:tasks",
        "an object with quota",
        "a quota.cpu that one task's resources.requests.cpu fits into",
    ),
    "a size that never fits": (
        {
            "tasks": {
                "quota": {"memory": "12Gi"},
                "sizes": {
                    "huge": {
                        "requests": {"cpu": 1, "memory": "1Gi"},
                        "limits": {"cpu": 1, "memory": "13Gi"},
                    }
                },
            }
        },
        "updraft:tasks",
        "an object with quota, sizes",
        'a quota.memory that one task\'s sizes."huge".limits.memory fits into',
    ),
    "a size without limits": (
        {"tasks": {"sizes": {"half": {"requests": {"cpu": 1, "memory": "1Gi"}}}}},
        "updraft:tasks.sizes.half.limits",
        "nothing",
        "a value",
    ),
    "a size without a name": (
        {"tasks": {"sizes": {"Very Large": {}}}},
        "updraft:tasks.sizes.Very Large.[key]",
        '"Very Large"',
        "1 to 63 of a-z",
    ),
    "requests above limits": (
        {
            "tasks": {
                "resources": {
                    "requests": {"cpu": 2, "memory": "1Gi"},
                    "limits": {"cpu": 1, "memory": "1Gi"},
                }
            }
        },
        "updraft:tasks.resources",
        "an object with limits, requests",
        "requests that are at most limits (here cpu: 2 above 1)",
    ),
}


def fault(config: Mapping[str, object]) -> str:
    with pytest.raises(UpdraftError) as caught:
        load(config)
    return str(caught.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_by_key_found_and_allowed(mistake: str) -> None:
    change, key, found, allowed = MISTAKES[mistake]
    text = fault(merge(SMALLEST, change))
    print(text)
    line = next(line for line in text.splitlines() if line.strip().startswith(f"{key}: "))
    assert f"found {found}" in line or found in line.split("; allowed: ")[0]
    assert allowed in line.split("; allowed: ")[1]


def test_all_mistakes_are_told_at_once() -> None:
    wrong = {"cluster": {}, "image": {"repository": "here/airflow"}, "nonsense": 1}
    text = fault({"platform": {"name": "here"}, **wrong})
    print(text)
    keys = ("updraft:cluster.context", "updraft:image", "updraft:dags", "updraft:nonsense")
    assert all(f"{key}: " in text for key in keys)
    assert text.startswith("4 settings are wrong")


@pytest.mark.parametrize(
    "change",
    [
        {"database": {"external": {"host": "h", "password": "hunter2-secret", "port": 0}}},
        {"database": {"external": {"host": "h", "password": {"is": "hunter2-secret"}}}},
        {"database": {"external": {"passwrd": "x", "password": "hunter2-secret"}}},
        {"dags": {"repository": "https://me:hunter2-secret@git.example.com/dags.git"}},
        {"dags": {"credentials": {"username": "u", "token": ["hunter2-secret"]}}},
        {"dags": {"ssh": {"privateKey": "hunter2-secret", "knownHosts": ""}}},
        {"notifications": {"connectionId": "https://hooks.example.com/hunter2-secret"}},
        {"database": "hunter2-secret"},
        {"dags": ["hunter2-secret"]},
    ],
)
def test_no_mistake_shows_a_secret(change: Mapping[str, object]) -> None:
    text = fault(merge(SMALLEST, change))
    print(text)
    assert "hunter2-secret" not in text


def test_no_fault_shows_the_value_of_a_setting_that_is_a_secret() -> None:
    secrets = [path for path, field in _walk(Settings) if _is_secret(field.annotation)]
    print(*secrets, sep="\n")
    assert len(secrets) >= 8
    for path in secrets:
        found: ErrorDetails = {
            "type": "string_too_short", "loc": path, "msg": "longer", "input": "hunter2-secret"
        }  # fmt: skip
        assert "hunter2-secret" not in describe(Settings, found), path


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "hvs.CAESIJ",
        "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "eyJhbGciOiJIUzI1NiJ9.e30.abc",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "q8Zr2LkPx9Vb4Tn7Wm3Hs6Jd",
    ],
)
@pytest.mark.parametrize("key", ["image.tag", "dags.repository", "dags.ref", "airflow.baseUrl"])
def test_what_looks_like_a_secret_is_not_shown_wherever_it_stands(key: str, secret: str) -> None:
    area, name = key.split(".")
    text = fault(merge(SMALLEST, {area: {name: f" {secret}"}}))
    print(text)
    assert secret not in text
    assert f"updraft:{key}: found text that looks like a secret" in text
    listed = fault(merge(SMALLEST, {area: {name: [secret]}}))
    assert secret not in listed


def test_what_is_no_secret_is_shown() -> None:
    for value in (
        "Registry.example.com/Data/airflow-3.3.2-python3.13",
        "https://airflow.example.com/",
    ):
        assert json.dumps(value) in fault(merge(SMALLEST, {"image": {"repository": value}}))


def test_a_secret_is_masked_in_the_settings_own_text() -> None:
    change = {"database": {"external": {"host": "h", "password": "hunter2-secret"}}}
    settings = load(merge(SMALLEST, change))
    assert settings.database.external is not None
    assert isinstance(settings.database.external.password, SecretStr)
    assert "hunter2-secret" not in repr(settings)


@pytest.mark.parametrize("stack", ["local", "prod"])
def test_the_stacks_that_are_delivered_are_valid(stack: str) -> None:
    settings = load(read(stack))
    assert settings.cluster.context


def test_settings_are_frozen() -> None:
    settings = load(SMALLEST)
    with pytest.raises(ValidationError, match="frozen"):
        settings.cluster.context = "there"  # type: ignore[misc]


def test_every_setting_says_what_it_is_for() -> None:
    walked = list(_walk(Settings))
    print(len(walked), "settings")
    assert len(walked) > 80
    assert [path for path, field in walked if not field.description] == []


def test_the_reference_page_lists_what_the_settings_are() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    assert page.read_text() == reference.text(), (
        "write it anew: python -m infra.settings.reference > docs/reference/settings.md"
    )


def test_parallelism_follows_the_quota_unless_it_is_set() -> None:
    quota = {"quota": {"pods": 7}}
    assert load(merge(SMALLEST, {"tasks": quota})).parallelism == 7
    assert load(merge(SMALLEST, {"tasks": {**quota, "parallelism": 9}})).parallelism == 9


def test_an_unknown_stack_names_those_that_there_are() -> None:
    with pytest.raises(UpdraftError, match="no stack") as caught:
        read("prd")
    assert "local, prod" in str(caught.value)


def test_a_stack_that_is_not_yaml_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.bad.yaml").write_text("config: [")
    with pytest.raises(UpdraftError, match="not YAML") as caught:
        read("bad", root=tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_overrides_are_laid_over_a_stack_key_by_key() -> None:
    config = read("local", {"cluster": {"context": "other"}, "image": {"tag": "abc"}})
    stack = read("local")
    assert config["cluster"] == {"context": "other"}
    assert config["image"] == {**_mapping(stack["image"]), "tag": "abc"}
    assert config["tasks"] == stack["tasks"]


def test_an_override_of_none_removes_a_key() -> None:
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}) == {"a": {"c": 2}}


def test_the_root_of_the_stacks_is_the_checkout() -> None:
    assert (ROOT / "Pulumi.yaml").is_file()


def _mapping(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


def _walk(
    model: type[BaseModel], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every setting: its path as a fault has it, and its definition."""
    for name, field in model.model_fields.items():
        own = (*path, field.alias or name)
        yield own, field
        for inner in _types(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _walk(inner, own)


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_is_secret(one) for one in get_args(annotation))


def _types(annotation: Any) -> tuple[Any, ...]:
    """What a setting may be: Area, Area | None, tuple[Area, …], Mapping[str, Area]."""
    return (annotation, *get_args(annotation))
