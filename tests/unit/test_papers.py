"""What the papers for a stranger name is there: files, targets of make, the licence itself."""

from __future__ import annotations

import re
import tomllib

import pytest

from infra.licences.texts import licences
from infra.root import ROOT, TERMS

PAPERS = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_licence_is_apaches_with_our_name() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert licences(text) == {"Apache-2.0"}
    assert len(text.splitlines()) > 200
    holder = re.search(r"Copyright \d{4} (.+)", text)
    assert holder
    assert holder[0] in (ROOT / "NOTICE").read_text()


def test_the_package_brings_the_terms_of_the_repository_along() -> None:
    package = ROOT / "operators"
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    print(project["license-files"])
    assert project["license-files"] == [*TERMS]
    for name in TERMS:
        assert (package / name).read_bytes() == (ROOT / name).read_bytes(), f"cp {name} operators/"


def test_fixes_are_promised_for_the_newest_version_that_is_released_and_for_none_before() -> None:
    texts = {name: (ROOT / name).read_text() for name in PAPERS}
    release = re.compile(r"^## (\d+\.\d+)\.\d+ - \d{4}-\d\d-\d\d$", re.MULTILINE)
    released = release.findall(texts["CHANGELOG.md"])
    promised = re.findall(r"^\| .*released, (\S+) \| yes \|$", texts["SECURITY.md"], re.MULTILINE)
    none_yet = {name: "Nothing has been released yet" in text for name, text in texts.items()}
    print(released, promised, none_yet)
    assert promised == released[:1]
    assert set(none_yet.values()) == {not released}


@pytest.mark.parametrize("name", PAPERS)
def test_what_a_paper_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text()
    linked = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    # A place for any name is written <name>, and one for any file below a folder …
    quoted = re.findall(r"`((?:infra|tests|docs|monitoring|operators|requirements)/[^`\s]*)`", text)
    paths = linked | {re.sub(r"<\w+>|…", "*", path) for path in quoted}
    lost = [path for path in sorted(paths) if not any(ROOT.glob(path.rstrip("/")))]
    targets = set(re.findall(r"(?:^|`|\$ )make ([a-z-]+)", text, re.MULTILINE))
    print(sorted(paths), sorted(targets))
    assert len(paths) + len(targets) >= 3
    assert not lost
    assert targets <= TARGETS
