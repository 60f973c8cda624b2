"""The version is written in one place, told to Airflow, and read back from a platform."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from infra import versions
from infra.cli.version import compare
from infra.root import ROOT
from infra.settings import load
from infra.settings.stack import read
from infra.values import config, tasks

SOURCE = "operators/pyproject.toml"
# Where it is history rather than knowledge.
TOLD = {"CHANGELOG.md", "SECURITY.md"}
# Made of it, and made again by a test.
RENDERED = "tests/render/golden/"


def test_the_version_is_written_in_one_place() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.toml", "*.yaml", "*.md", "*.json", "*.html", "*.js"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    line = re.compile(rf"version\W{{1,6}}{re.escape(versions.UPDRAFT)}\b", re.IGNORECASE)
    listed = [name for name in listed if not name.startswith(RENDERED)]
    found = [name for name in listed if line.search((ROOT / name).read_text(errors="replace"))]
    print(f"{len(listed)} files looked at for {versions.UPDRAFT}: {found}")
    assert len(listed) >= 300
    assert set(found) - TOLD == {SOURCE}
    assert tomllib.loads((ROOT / SOURCE).read_text())["project"]["version"] == versions.UPDRAFT


def test_the_changelog_begins_with_the_version() -> None:
    title = re.compile(r"^## (?:\[Unreleased\]\n\nTo be )?(\d+\.\d+\.\d+)", re.MULTILINE)
    sections = title.findall((ROOT / "CHANGELOG.md").read_text())
    print(sections)
    assert sections[0] == versions.UPDRAFT
    ordered = sorted(sections, key=lambda each: [int(part) for part in each.split(".")])
    assert sections == ordered[::-1]


@pytest.mark.parametrize("stack", ["local", "prod"])
def test_what_a_deploy_writes_is_read_as_its_version(stack: str) -> None:
    settings = load(read(stack))
    assert config.control_plane(settings)["updraft"]["version"] == versions.UPDRAFT
    assert compare(tasks.config_files(settings)) == versions.UPDRAFT


def test_another_version_is_told_beside_the_checkouts() -> None:
    newer = compare({"airflow.cfg": "[updraft]\nversion = 99.1.0\n"})
    before = compare({"airflow.cfg": "[core]\nparallelism = 2\n"})
    nothing = compare({})
    print(newer, before, nothing, sep="\n")
    for told, deployed in ((newer, "99.1.0"), (before, "0.1"), (nothing, "not deployed")):
        assert told.startswith(f"{deployed}; this checkout is {versions.UPDRAFT}")
