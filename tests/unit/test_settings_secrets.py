"""No error about settings shows a secret, wherever it stands, and each shows what is none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from pydantic_core import ErrorDetails

from infra.settings import Settings
from infra.settings.faults import describe
from infra.settings.stack import merge
from tests.unit.settings_smallest import SMALLEST, fault, walk

EXTERNAL = {"host": "h", "password": "p"}


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
        *(
            {"airflow": {"config": {"logging": {"some_option": value}}}}
            for value in (
                "password=hunter2-secret",
                '{"api_key": "hunter2-secret"}',
                "https://me:hunter2-secret@logs.example.com",
                ["token: hunter2-secret"],
            )
        ),
        {"airflow": {"config": {"core": {"FERNET_KEY": "hunter2-secret%"}}}},
        {"airflow": {"config": {"core": "password=hunter2-secret"}}},
        {"airflow": {"config": {"core": {"password=hunter2-secret": "x"}}}},
        {"airflow": {"baseUrl": "https://airflow.example.com?token=hunter2-secret"}},
        {"database": {"external": {"host": "host=db password=hunter2-secret"}}},
        {"database": {"external": {"host": "h", "password:hunter2-secret": None}}},
        {"database": {"external": [{"password": "hunter2-secret"}]}},
        {"keys": {"database": "hunter2-secret"}, "database": {"external": EXTERNAL}},
        {"keys": {"fernetKey": "hunter2-secret!"}},
        {"image": {"pullSecrets": "hunter2-secret"}},
        {"image": {"pullSecrets": ["hunter2-secret!"]}},
        {"image": {"build": {"registry": {"password": 7, "secret=hunter2-secret": 1}}}},
        {"dags": {"subPath": "token=hunter2-secret/"}},
        {"links": {"pod": "https://example.com/{token=hunter2-secret}"}},
        {"monitoring": {"cost": {"teams": {"a": "(password=hunter2-secret"}}}},
        {"monitoring": {"alerts": {"receivers": {"webhook": "https://x/hunter2-secret"}}}},
        {"monitoring": {"alerts": {"receivers": {"slack": {"apiUrl": "hunter2-secret"}}}}},
    ],
)
def test_no_mistake_shows_a_secret(change: Mapping[str, object]) -> None:
    text = fault(merge(SMALLEST, change))
    print(text)
    assert "hunter2-secret" not in text


@pytest.mark.parametrize("secret", ["hunter2-secret", 7134, [7134]])
def test_no_fault_shows_what_stands_where_a_secret_or_its_name_belongs(secret: object) -> None:
    told = re.compile(r"--secret|\bSecrets?\b|, a secret: ")
    secrets = [path for path, field in walk(Settings) if told.search(field.description or "")]
    of_areas = [path for path in secrets if path[-1] in {"keys", "ssh", "credentials"}]
    secrets = [path for path in secrets if path not in of_areas]
    print(*secrets, sep="\n")
    assert len(secrets) >= 20
    for path in secrets:
        found: ErrorDetails = {
            "type": "string_too_short", "loc": path, "msg": "longer", "input": secret
        }  # fmt: skip
        text = describe(Settings, found)
        assert "hunter2" not in text, path
        assert "7134" not in text, path


def test_what_is_right_alone_and_wrong_beside_another_is_told_like_any_other() -> None:
    change = {"keys": {"database": "hunter2"}, "database": {"external": EXTERNAL}}
    text = fault(merge(SMALLEST, change))
    print(text)
    assert "keys.database: found a text of 7 characters (not shown" in text


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


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image.repository", "Registry.example.com/Data/airflow-3.3.2-python3.13"),
        ("image.repository", "https://airflow.example.com/"),
        ("image.repository", f"registry.example.com:5000/airflow@sha256:{COMMIT}"),
        ("dags.ref", f"{COMMIT}^"),
        ("dags.ref", f"{COMMIT}8 "),
        ("dags.ref", f"refs/heads/{COMMIT[:-1]}~1"),
        ("image.tag", f"{COMMIT}{COMMIT[:24]}:"),
        ("image.digest", f"sha256:{COMMIT}"),
        ("image.digest", f"{COMMIT}{COMMIT[:24]}"),
    ],
)
def test_what_is_no_secret_is_shown(key: str, value: str) -> None:
    area, name = key.split(".")
    text = fault(merge(SMALLEST, {area: {name: value}}))
    print(text)
    assert json.dumps(value)[:78] in text


def test_a_commit_where_none_belongs_looks_like_a_token() -> None:
    text = fault(merge(SMALLEST, {"airflow": {"baseUrl": COMMIT}}))
    assert COMMIT not in text
