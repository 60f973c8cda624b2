"""The how-to that deletes a DAG has a token made that Airflow's API takes."""

from __future__ import annotations

import os
import subprocess

from infra.root import ROOT
from tests.operators.platform.site import Site
from tests.unit.test_howtos import commands

PAGE = ROOT / "docs" / "howto" / "delete-a-dag.md"


def answer(site: Site, user: str) -> str:
    """What the API says to the how-to's commands of a user, for a DAG that there is not."""
    typed = commands(PAGE.read_text())
    first = next(number for number, each in enumerate(typed) if each.startswith("AIRFLOW="))
    script = "\n".join(["set -eu", f"AIRFLOW={site.url}", *typed[first + 1 : first + 3]])
    login = f'"username": "{user}", "password": "{user}"'
    script = script.replace('"username": "admin", "password": "…"', login)
    assert login in script
    script = script.replace("<dag_id>", "no_such_dag")
    done = subprocess.run(
        ["sh", "-c", script], env={**os.environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    print(script, done.stdout, done.stderr, sep="\n")
    assert done.returncode == 0
    return done.stdout


def test_the_api_knows_who_asks_and_says_that_there_is_no_such_dag(site: Site) -> None:
    assert "no_such_dag" in answer(site, "admin")
    assert "not found" in answer(site, "admin").lower()


def test_who_may_not_delete_is_told_so(site: Site) -> None:
    assert "Forbidden" in answer(site, "reader")
