"""How a mistake in settings is told: by its key, what was found, what is allowed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from infra.settings.stack import merge
from tests.unit.settings_smallest import SMALLEST, fault

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
        "a text of 36 characters (not shown: it may be the secret itself)",
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
        "[core] fernet_key does",
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


def test_an_unknown_key_of_a_size_names_those_of_a_size() -> None:
    change: dict[str, object] = {"tasks": {"sizes": {"half": {"limit": {}}}}}
    text = fault(merge(SMALLEST, change))
    print(text)
    assert "sizes.half.limit: found this unknown key; allowed: one of limits, requests\n" in text
