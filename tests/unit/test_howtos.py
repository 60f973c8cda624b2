"""What README and the how-tos have people type is there, and knows the platform's own cluster."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.root import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "howto").glob("*.md")))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
BLOCK = re.compile(r"^ *```(?:console|sh)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
NAMED = 'eval "$(make env)"'
# What every shell has.
KNOWN = {"HOME", "PATH", "PWD", "USER"}


def commands(text: str) -> list[str]:
    """The commands of a page in order: the lines behind a $, or all of a block without one."""
    found = []
    for block in BLOCK.findall(text):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        found += prompted or lines
    return found


def faults(text: str) -> list[str]:
    """What would fail, or ask another cluster, for who types a page's commands one by one."""
    found, known, is_named = [], set(KNOWN), False
    for command in commands(text):
        is_named |= command.startswith(NAMED)
        if not is_named and re.search(r"(?:^|[|;&(] *)kubectl (?!--context )", command):
            found.append(f"no cluster is named before: {command}")
        found += [
            f"no target {target}: {command}"
            for target in re.findall(r"(?:^|[|;&(] *)make ([a-z-]+)", command)
            if target not in TARGETS
        ]
        known |= set(re.findall(r"(?:^|\s)([A-Z_]+)=", command))
        # What is in single quotes is no variable of the shell.
        used = re.findall(r"\$\{?([A-Z_]+)", re.sub(r"'[^']*'", "", command))
        found += [f"nothing sets {name}: {command}" for name in used if name not in known]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_has_people_type_works_as_it_stands(page: Path) -> None:
    text = page.read_text()
    typed = commands(text)
    print(*typed, sep="\n")
    assert typed or page.stem == "dynamic-patterns"
    assert faults(text) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    files = [link for link in links if "://" not in link]
    print(files)
    assert [link for link in files if not (page.parent / link).exists()] == []


def test_a_dag_that_a_page_runs_is_in_the_repository_or_written_on_that_page() -> None:
    shipped = {file.stem for file in (ROOT / "dags").glob("*.py")}
    named = {
        (page.name, dag): dag in shipped | set(re.findall(r"dags/(\w+)\.py", page.read_text()))
        for page in PAGES
        for dag in re.findall(r"\bDAG=(\w+)", page.read_text())
    }
    print(*named.items(), sep="\n")
    assert len(named) >= 3
    assert all(named.values())


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("$ kubectl get pods", "no cluster is named before: kubectl get pods"),
        ("$ cat all.yaml | kubectl apply -f -", "no cluster is named before"),
        (f"$ kubectl get pods\n$ {NAMED}", "no cluster is named before"),
        ("$ make deploy", "no target deploy"),
        ('$ curl -H "Authorization: Bearer $TOKEN" x', "nothing sets TOKEN"),
        ("$ curl ${AIRFLOW}/api\n$ AIRFLOW=x", "nothing sets AIRFLOW"),
        ("make up\nkubectl get pods", "no cluster is named before"),
    ],
)
def test_what_would_fail_is_told(typed: str, told: str) -> None:
    found = faults(f"Text.\n\n```console\n{typed}\n```\n")
    assert len(found) == 1
    assert told in found[0]


@pytest.mark.parametrize(
    "typed",
    [
        f"$ {NAMED}   # once\n$ kubectl get pods",
        '$ make kubectl ARGS="get pods -A"',
        "$ AIRFLOW=x\n$ curl $AIRFLOW/api",
        "$ awk '{print $NF}' \"$HOME/file\"",
    ],
)
def test_what_works_is_not_told(typed: str) -> None:
    text = f"1. Text:\n\n   ```console\n   {typed.replace(chr(10), chr(10) + '   ')}\n   ```\n"
    assert commands(text)
    assert faults(text) == []
