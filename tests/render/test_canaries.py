"""Canaries: each secret that settings can hold, looked for in all that is rendered."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.keystore import KeyStore
from infra.render import Manifest, render
from infra.settings import stack
from infra.values import names
from tests.render.variants import EMBEDDED
from tests.ssh import private_key

MARK = "canary-"


def canary(place: str) -> str:
    return f"{MARK}{place}-5f3a9c"


# By the place of each, what of the stack's settings holds it.
PLANTED: dict[str, Mapping[str, Any]] = {
    "database": {
        "database": {"external": {"host": "db.example.com", "password": canary("database")}}
    },
    "token": {
        "dags": {
            "server": None,
            "repository": "https://git.example.com/dags.git",
            "credentials": {"username": "robot", "token": canary("token")},
        }
    },
    "webhook": {
        "monitoring": {
            "alerts": {
                "receivers": {"webhook": {"url": f"https://hooks.example.com/{canary('webhook')}"}}
            }
        }
    },
    "slack": {
        "monitoring": {
            "alerts": {
                "receivers": {
                    "slack": {
                        "channel": "#data",
                        "apiUrl": f"https://hooks.slack.example.com/{canary('slack')}",
                    }
                }
            }
        }
    },
    "pagerduty": {
        "monitoring": {"alerts": {"receivers": {"pagerduty": {"routingKey": canary("pagerduty")}}}}
    },
    "mail": {
        "monitoring": {
            "alerts": {
                "receivers": {
                    "email": {
                        "to": "team@example.com",
                        "sender": "airflow@example.com",
                        "smarthost": "mail.example.com:587",
                        "username": "airflow",
                        "password": canary("mail"),
                    }
                }
            }
        }
    },
    "option": {"airflow": {"config": {"acme": {"endpoint": canary("option")}}}},
    "options-of-tasks": {
        "airflow": {"config": {"acme": {"shared": canary("options-of-tasks")}}},
        "tasks": {"config": ["acme.shared"]},
    },
}
# What the tasks' namespace holds on purpose.
FOR_TASKS = {"token", "options-of-tasks"}


def planted() -> dict[str, object]:
    """Return settings with all canaries."""
    whole: dict[str, object] = {
        "chart": {"path": str(EMBEDDED)},
        "airflow": {"baseUrl": "https://airflow.example.com"},
    }
    for each in PLANTED.values():
        whole = stack.merge(whole, each)
    return stack.read("local", whole)


@pytest.fixture(scope="module")
def manifests(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    keys = KeyStore(tmp_path_factory.mktemp("canaries") / "keys.json")
    return render(planted(), helm=helm, keys=keys)


def test_each_canary_is_in_a_secret_and_nowhere_else(manifests: list[Manifest]) -> None:
    held = {place: [one.identity for one in manifests if holds(one, place)] for place in PLANTED}
    print(*(f"{place}: {', '.join(map(str, where))}" for place, where in held.items()), sep="\n")
    assert all(held.values())
    assert {one.kind for where in held.values() for one in where} == {"Secret"}
    texts = [json.dumps(one) for one in manifests if one["kind"] != "Secret"]
    print(f"{len(PLANTED)} canaries; {len(texts)} objects besides Secrets searched")
    assert [text for text in texts if MARK in text] == []


def test_no_canary_reaches_a_task_but_those_meant_for_it(manifests: list[Manifest]) -> None:
    tasks = [one for one in manifests if one.identity.namespace == "airflow-tasks"]
    there = {place for place in PLANTED if any(holds(one, place) for one in tasks)}
    assert there == FOR_TASKS
    maps = [one for one in manifests if "pod_template_file.yaml" in (one.get("data") or {})]
    template = maps[0]["data"]["pod_template_file.yaml"]
    assert names.TASK_OPTIONS in template
    assert f"{names.OPTIONS}\n" not in template


def test_the_control_plane_alone_reads_the_other_options(manifests: list[Manifest]) -> None:
    readers = {one.identity.name for one in manifests if f'"{names.OPTIONS}"' in json.dumps(one)}
    print(readers)
    jobs = {name for name in readers if name.startswith(("airflow-migrate-", "airflow-admin-"))}
    processes = {names.SCHEDULER, names.API_SERVER, names.DAG_PROCESSOR, names.TRIGGERER}
    assert readers == {*jobs, *processes, names.OPTIONS}
    assert len(jobs) == 2


def test_a_deploy_key_is_in_secrets_alone(helm: Path, tmp_path: Path) -> None:
    key = private_key()
    given = stack.read(
        "prod",
        {
            "chart": {"path": str(EMBEDDED)},
            "dags": {"ssh": {"privateKey": key, "existingSecret": None}},
        },
    )
    line = key.splitlines()[2]
    found = [
        one for one in render(given, helm=helm, keys=KeyStore(tmp_path / "keys.json"))
        if line in json.dumps(one) or line in _decoded(one)
    ]  # fmt: skip
    assert {str(one.identity) for one in found} == {
        f"Secret {names.GIT_SSH_KEY} in {each}" for each in ("airflow", "airflow-tasks")
    }


def test_ordinary_words_may_stand_in_a_hidden_option_and_elsewhere(
    helm: Path, tmp_path: Path
) -> None:
    mail = "airflow@example.com"
    options = {
        "smtp": {"smtp_user": mail, "smtp_mail_from": mail},
        "acme": {"home": "airflow-tasks"},
    }
    given = stack.read(
        "local",
        {
            "chart": {"path": str(EMBEDDED)},
            "airflow": {"config": options, "admin": {"email": mail}},
        },
    )
    made = render(given, helm=helm, keys=KeyStore(tmp_path / "keys.json"))
    assert any(mail in json.dumps(one) for one in made if one["kind"] == "ConfigMap")


def holds(one: Manifest, place: str) -> bool:
    return f"{canary(place)}" in json.dumps(one) or f"{canary(place)}" in _decoded(one)


def _decoded(one: Manifest) -> str:
    if one["kind"] != "Secret":
        return ""
    return "\n".join(base64.b64decode(value).decode() for value in one.get("data", {}).values())
