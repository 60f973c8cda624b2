"""What a page's kubectl names is among the objects of a platform: in its namespace, of its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.root import ROOT
from tests.render.conftest import Rendered
from tests.render.variants import EMBEDDED

DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted([*DOCS.glob("howto/*.md"), *DOCS.glob("runbooks/*.md")]))
KINDS = {
    "cronjob": "CronJob", "daemonset": "DaemonSet", "deployment": "Deployment",
    "secret": "Secret", "service": "Service", "statefulset": "StatefulSet", "svc": "Service",
}  # fmt: skip
# A namespace, a kind and a name.
Key = tuple[str, str, str]
Objects = Mapping[Key, Mapping[str, Any]]


@pytest.fixture(scope="module")
def there(rendered: Rendered) -> Objects:
    """The objects of the stack that make up deploys."""
    return {
        (body["metadata"].get("namespace", ""), body["kind"], body["metadata"]["name"]): body
        for body in rendered("local", EMBEDDED)
    }


def commands(text: str) -> Iterator[str]:
    """Each command for kubectl, up to a pipe or the end of a quote."""
    for line in text.replace("\\\n", " ").splitlines():
        yield from re.findall(r"(?:kubectl|make kubectl ARGS=\") [^`|&)]*", line)


def templates(there: Objects) -> dict[Key, dict[str, Any]]:
    """The pods that workloads make."""
    found = {key: (body.get("spec") or {}).get("template") for key, body in there.items()}
    return {key: pod for key, pod in found.items() if pod and "spec" in pod}


def namespace(command: str) -> str:
    """The one that a command names; empty for none."""
    return "".join(re.findall(r"[ \"]-n (\S+)", command)[:1])


def named(command: str) -> Iterator[Key]:
    """What a command names as kind/name, or as a kind and a name."""
    space = namespace(command)
    for kind, name in re.findall(rf"\b({'|'.join(KINDS)})[/ ]([a-z][\w-]*)", command):
        yield space, KINDS[kind], name


def faults(command: str, there: Objects) -> list[str]:
    """What a command names and nobody has."""
    keys, pods = list(named(command)), templates(there)
    found = [f"there is no {' '.join(key)}" for key in keys if key not in there]
    for key in keys:
        own = {each["name"] for each in pods.get(key, {}).get("spec", {}).get("containers", ())}
        asked = set(re.findall(r" -c ([a-z][\w-]*)", command))
        found += [f"{key[2]} has no container {name}" for name in sorted(asked - own) if own]
    labels = [
        label.items()
        for (space, _, _), pod in pods.items()
        if space == namespace(command)
        for label in (pod["metadata"]["labels"],)
    ]
    for selector in re.findall(r" -l ([\w./-]+)=([a-z][\w-]*)", command):
        if not any(selector in own for own in labels):
            found.append(f"no pod there has {'='.join(selector)}")
    # How a pod's name ends is decided by its kind, and that by the chart.
    found += [f"pod {name} may be called otherwise" for name in re.findall(
        r"\bpods?[/ ]([a-z][\w-]*)", command
    )]  # fmt: skip
    return found


def test_what_the_pages_commands_name_is_there(there: Objects) -> None:
    wrong, seen = {}, 0
    for page in PAGES:
        for command in commands(page.read_text()):
            seen += bool(list(named(command)) or " -l " in command)
            if found := faults(command, there):
                wrong[f"{page.name}: {command}"] = found
    print(f"{seen} commands name objects", *wrong.items(), sep="\n")
    assert seen >= 50
    assert not wrong


def test_the_keys_of_secrets_that_pages_read_are_there(there: Objects) -> None:
    asked = {
        (*next(named(command)), key)
        for page in PAGES
        for line in page.read_text().splitlines()
        for command in commands(line)
        for key in re.findall(r"\.data\.(\w+)", line)
    }
    print(*asked, sep="\n")
    assert asked
    for *key, field in asked:
        secret = there[key[0], key[1], key[2]]
        assert field in {**secret.get("data", {}), **secret.get("stringData", {})}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("kubectl -n airflow exec statefulset/airflow-triggerer -- ls", "there is no airflow"),
        ("kubectl -n airflow logs deployment/loki", "there is no airflow Deployment loki"),
        ("kubectl -n airflow-monitoring get svc loky", "there is no airflow-monitoring"),
        ("kubectl -n airflow logs statefulset/postgresql -c base", "has no container base"),
        ("kubectl -n airflow get pods -l component=triggered", "no pod there has component"),
        ("kubectl -n airflow delete pod airflow-triggerer-0", "may be called otherwise"),
    ],
)
def test_what_is_not_there_is_told(command: str, told: str, there: Objects) -> None:
    (found,) = faults(command, there)
    print(found)
    assert told in found
