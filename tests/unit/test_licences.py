"""Each package that goes into an image has a known and allowed licence; others are refused."""

from __future__ import annotations

import dataclasses
import re
from importlib import metadata
from pathlib import Path

import pytest

from infra.images.recipes import containerfile
from infra.licences import go_modules, python_packages, texts
from infra.licences.allowed import CONDITIONS, DECIDED, EXCEPTIONS, refusal
from infra.licences.check import Locks, faults
from infra.licences.go_modules import PROGRAMS
from infra.licences.package import UNKNOWN, Package
from infra.licences.table import PAGE, Table, parse, text
from infra.local.programs import TOOLS
from infra.root import ROOT

# Its NOTICE, and no file of licences, holds the second of the two that it declares.
TOLD_ELSEWHERE = {"prometheus_client"}


@pytest.fixture
def table() -> Table:
    return parse(PAGE.read_text())


@pytest.fixture
def locks() -> Locks:
    return Locks.of_the_repository()


def test_each_locked_package_of_an_image_has_an_allowed_licence(table: Table, locks: Locks) -> None:
    found = faults(table, locks)
    kinds = {
        kind: sum(each.kind == kind for each in table.packages) for kind in ("python", "go", "npm")
    }
    print(kinds, *found, sep="\n")
    assert kinds["python"] >= 150
    assert kinds["go"] >= 300
    assert kinds["npm"] >= 3
    assert not found


def test_the_page_says_at_its_head_what_is_not_permissive_why_it_is_allowed_and_what_is_owed(
    table: Table,
) -> None:
    (head,) = re.findall(r"^## What is not.*?(?=^## )", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (\S.*?) \| (.+) \| (.+) \| (`.+`) \|$", head, re.MULTILINE)
    told = {name for *_, names in rows for name in re.findall(r"`(\S+)`", names)}
    copyleft = {each.name for each in table.packages if re.search("GPL|MPL|Artistic", each.licence)}
    print(*rows, sep="\n")
    assert told == copyleft
    assert len(copyleft) >= 5
    terms = {*CONDITIONS.values(), *(each for _, each in EXCEPTIONS.values())}
    assert {(why, owed) for _, why, owed, _ in rows} == {(each.why, each.owed) for each in terms}
    assert all(each.why and each.owed for each in terms)


def test_a_module_of_which_our_stand_ins_alone_are_linked_is_told_apart(table: Table) -> None:
    apart = [each for each in table.packages if each.kind == go_modules.STAND_IN]
    print(*apart, sep="\n")
    assert apart
    for each in apart:
        without = {one for image in each.images for one in TOOLS[PROGRAMS[image]].without}
        assert each.name in without
        assert each.licence == "Apache-2.0"
        theirs = [one for one in table.packages if (one.kind, one.name) == ("go", each.name)]
        assert not any({*each.images} & {*one.images} for one in theirs)


def test_the_page_is_written_as_it_is_read(table: Table) -> None:
    assert text(table.packages, table.inputs) == PAGE.read_text()


def test_each_installed_package_says_what_the_table_says(table: Table) -> None:
    there = {each.name: each for each in table.packages if each.kind == python_packages.KIND}
    installed = python_packages.packages(metadata.distributions())
    differ = [(each, there.get(each.name)) for each in installed if there.get(each.name) != each]
    print(f"{len(installed)} of the image's {len(there)} packages looked at", *differ, sep="\n")
    # Some are only for the image's own Python.
    assert len(installed) >= 0.95 * len(there)
    assert not differ


def test_a_declared_licence_is_found_in_the_packages_own_texts() -> None:
    looked_at, missed = 0, []
    for each in metadata.distributions():
        declared = " ".join(each.metadata.get_all("License-Expression") or ())
        files = [Path(str(file.locate())) for file in each.files or ()
                 if ".dist-info" in file.parts[0] and texts.is_licence(Path(file))]  # fmt: skip
        if not declared or not files:
            continue
        looked_at += 1
        found = {
            name for file in files for name in texts.licences(file.read_text(errors="replace"))
        }
        if not set(re.split(r" AND | OR ", declared.strip("()"))) <= found:
            missed.append(each.name)
    print(f"{looked_at} packages declare a licence and bring its text; missed: {missed}")
    assert looked_at >= 100
    assert set(missed) <= TOLD_ELSEWHERE


@pytest.mark.parametrize("kind", ["python", "go", "npm"])
@pytest.mark.parametrize(
    "licence",
    [
        *("GPL-3.0-only", "AGPL-3.0-only", "MIT AND GPL-3.0-only", "Apache 2", UNKNOWN),
        "MIT OR (Apache-2.0 AND SSPL-1.0)",
    ],
)
def test_a_licence_that_is_not_on_the_list_is_refused(
    table: Table, locks: Locks, kind: str, licence: str
) -> None:
    good = next(
        each
        for each in table.packages
        if each.kind == kind
        and (kind, each.name) not in EXCEPTIONS
        and (kind, each.name, each.version) not in DECIDED
    )
    bad = dataclasses.replace(good, licence=licence)
    packages = tuple(bad if each == good else each for each in table.packages)
    found = faults(dataclasses.replace(table, packages=packages), locks)
    print(*found, sep="\n")
    assert len(found) == 1
    assert f"{kind} {bad.name} {bad.version}" in found[0]
    assert "infra/licences/allowed.py" in found[0]


@pytest.mark.parametrize("licence", ["MIT", "MIT OR GPL-3.0-only", "Apache-2.0 AND BSD-3-Clause"])
def test_a_licence_on_the_list_is_taken(licence: str) -> None:
    assert not refusal(Package("go", "example.com/one", "v1.0.0", licence, ("loki",)))


def test_an_exception_is_for_one_package_and_one_licence() -> None:
    assert EXCEPTIONS
    for (kind, name), (licence, terms) in EXCEPTIONS.items():
        print(kind, name, licence, terms)
        assert not refusal(Package(kind, name, "1", licence, ("airflow",)))
        assert refusal(Package(kind, f"{name}x", "1", licence, ("airflow",)))
        assert refusal(Package(kind, name, "1", "GPL-3.0-only", ("airflow",)))


def test_a_package_that_is_locked_and_not_in_the_table_is_named(locks: Locks, table: Table) -> None:
    more = 'intruder==1.0.0 \\\n    --hash=sha256:0\nelsewhere==2 ; sys_platform == "win32"\n'
    echarts = '"node_modules/echarts": {'
    other = f'"node_modules/other": {{"version": "2.0.0"}}, {echarts}'
    npm = locks.npm.replace(echarts, other, 1)
    found = faults(table, Locks(f"{locks.python}{more}", npm, locks.programs))
    print(*found, sep="\n")
    for wanted in ("python intruder 1.0.0 is locked", "npm other 2.0.0 is locked"):
        assert any(each.startswith(wanted) and "make licences" in each for each in found)
    assert not any("elsewhere" in each for each in found)


def test_a_package_that_is_locked_no_more_is_named(locks: Locks, table: Table) -> None:
    gone = re.sub(r"(?m)^httpx==.*\n(?:    .*\n)*", "", locks.python)
    assert gone != locks.python
    found = faults(table, dataclasses.replace(locks, python=gone))
    print(*found, sep="\n")
    assert any(
        re.match(r"python httpx \S+ is in licences.md, and not locked", each) for each in found
    )


def test_a_changed_module_of_a_program_asks_for_the_table_anew(locks: Locks, table: Table) -> None:
    changed = dataclasses.replace(locks, programs={**locks.programs, "loki": "0" * 16})
    found = faults(table, changed)
    print(*found, sep="\n")
    assert found == ["the program in loki has changed since licences.md was written: make licences"]


def test_what_is_decided_for_a_package_that_has_gone_is_named(locks: Locks, table: Table) -> None:
    gone = ("python", "python-daemon")
    assert gone in {each[:2] for each in DECIDED}
    left = tuple(each for each in table.packages if (each.kind, each.name) != gone)
    found = faults(dataclasses.replace(table, packages=left), locks)
    print(*found, sep="\n")
    assert any(each.startswith("python python-daemon is in no image any more") for each in found)


def test_what_is_decided_for_another_version_is_to_be_read_again(
    locks: Locks, table: Table
) -> None:
    old = next(each for each in table.packages if each.name == "greenback")
    assert ("python", old.name, old.version) in DECIDED
    new = dataclasses.replace(old, version="v9.0.0", licence=UNKNOWN)
    packages = tuple(new if each == old else each for each in table.packages)
    all_found = faults(dataclasses.replace(table, packages=packages), locks)
    found = [each for each in all_found if "locked" not in each]
    print(*found, sep="\n")
    assert [each.split(maxsplit=2)[:2] for each in found] == [["python", old.name]] * 2
    assert any(f"another version than {old.version}" in each for each in found)


def test_the_lock_is_read_for_the_python_of_the_image() -> None:
    version = python_packages.image_python()
    assert f"/opt/venv/lib/python{version}/" in (ROOT / containerfile("airflow")).read_text()
    markers = (
        "a==1 ; python_version < '3'\nb==2 ; python_version >= '3'\nc==3 \\\n    --hash=sha256:0\n"
    )
    assert python_packages.locked(markers) == {"b": "2", "c": "3"}
