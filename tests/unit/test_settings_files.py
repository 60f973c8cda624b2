"""A stack's file: what YAML says of it, and keys that were meant to be Updraft's."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.cli.options import parse_overrides
from infra.errors import UpdraftError
from infra.settings.documents import DocumentError, parse
from infra.settings.stack import read


def stack(folder: Path, text: str) -> dict[str, object]:
    (folder / "Pulumi.x.yaml").write_text(text)
    return read("x", root=folder)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", 'the key "a" stands twice (line 3)'),
        ("a:\n  b: 1\n  b: 1\n", 'the key "b" stands twice (line 3)'),
        ("a: {x: 1, x: 1}\nb: &b {<<: {y: 1}, y: 2}\n", 'the key "x" stands twice (line 1)'),
        ("a: [{b: 1, 'b': 2}]", 'the key "b" stands twice'),
        ("a: {password=hunter2: 1, password=hunter2: 2}", 'the key "(not shown)" stands twice'),
        ("a: [", "expected the node content, but found '<stream end>' (line 1)"),
        ("a: {b: 1 c: 2}", "expected ',' or '}', but got ':' (line 1)"),
        ("a: {b: 1, c", "expected ',' or '}', but got '<stream end>' (line 1)"),
        ("a: [b: 'hunter2' c]", "expected ',' or ']', but got '<scalar>' (line 1)"),
        ("a: *hunter2", "found undefined alias … (line 1)"),
        ("a: !<hunter2> b", "could not determine a constructor for the tag … (line 1)"),
        ("a: @hunter2", "found character '@' that cannot start any token (line 1)"),
        ("a: !<it's-hunter2> b", "could not determine a constructor for the tag … (line 1)"),
        ("a: 2026-13-45\n", "a: YAML reads a date here; text goes in quotes (line 1)"),
        ("a: !!timestamp hunter2", "a: YAML reads a date here"),
        ("a: !!bool hunter2", "a: found text that is tagged as a boolean; allowed: true or"),
        ("a: !!int hunter2", "a: found a number that is written otherwise; allowed: a decimal"),
        ("a: {b: 2026-01-31}", "a.b: YAML reads a date here; text goes in quotes"),
        ("a: !!binary aGk=", "a: YAML reads a bytes here"),
        ("a: !!set {b}", "a: YAML reads a set here"),
        ("2026-01-31: a", "YAML reads a date as a key here; text goes in quotes (line 1)"),
        ("a:\n  2026-01-31: a", "a: YAML reads a date as a key here"),
        ("a: {? [b] : c}", "a: YAML reads a list as a key here"),
        ("a: &a [*a]", "a: it holds itself by an alias"),
        ("a: !!python/object:os.system x\n", "could not determine a constructor"),
        ("a: 1\n\tb: 2", "(line 2)"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_yaml_is_told_by_its_place(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(text)
    print(caught.value)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(UpdraftError, match="not YAML") as refused:
        stack(tmp_path, text)
    assert "Pulumi.x.yaml" in refused.value.where


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a: &a {x: 1}\nb: {<<: *a, y: 2}\n", {"x": 1, "y": 2}),
        ("a: &a {x: 1}\nb: {<<: *a, x: 2}\n", {"x": 2}),
        ("a: &a {x: 1}\nc: {d: &d {<<: *a, x: 2}}\nb: {<<: *d}\n", {"x": 2}),
        ("a: &a {x: 1}\nb: *a\n", {"x": 1}),
    ],
)
def test_what_yaml_merges_is_no_double(text: str, read: object) -> None:
    assert parse(text)["b"] == read


ODD = {
    "0200": "begins with 0, which YAML 1.1 reads as octal",
    "-017": "begins with 0, which YAML 1.1 reads as octal",
    "1:30": "holds colons, which YAML 1.1 reads by sixties",
    "1:30.5": "holds colons, which YAML 1.1 reads by sixties",
    "0x1F": "begins with 0x",
    "0b11": "begins with 0b",
    "1_000": "is written otherwise",
    "00.5": "is written otherwise",
}


@pytest.mark.parametrize("number", ODD)
def test_a_number_that_is_not_decimal_is_told_by_key_found_and_allowed(
    number: str, tmp_path: Path
) -> None:
    told = f"found a number that {ODD[number]}; allowed: a decimal number, or text in quotes"
    with pytest.raises(UpdraftError) as of_file:
        stack(tmp_path, f"config:\n  updraft:tasks:\n    quota: {{pods: {number}}}\n")
    with pytest.raises(UpdraftError) as of_set:
        parse_overrides(f"tasks.quota.pods={number}")
    print(of_file.value, of_set.value)
    assert f"config.updraft:tasks.quota.pods: {told} (line 3)" in of_file.value.what
    assert "tasks.quota.pods" in of_set.value.what
    assert told in of_set.value.what
    assert not any(number in error.value.what for error in (of_file, of_set)), "or a password is"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        *(("0", 0), ("-7", -7), ("+7", 7), ("10", 10), ("0.5", 0.5), (".5", 0.5), ("1.5e+3", 1500)),
        *(('"0200"', "0200"), ("1.2.3", "1.2.3"), ("10s", "10s"), ("5432:5432", "5432:5432")),
    ],
)
def test_decimal_numbers_and_texts_are_read_as_they_look(text: str, read: object) -> None:
    assert parse(text) == read


def test_a_file_that_is_no_text_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.x.yaml").write_bytes(b"config: {a: \xff}")
    with pytest.raises(UpdraftError, match="not YAML"):
        read("x", root=tmp_path)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("updarft:tasks", "updraft:tasks"),
        ("Updraft:tasks", "updraft:tasks"),
        ("updraf:dags", "updraft:dags"),
        ("up-draft:dags", "updraft:dags"),
        ("tasks", "updraft:tasks"),
        ("updraft.tasks", "updraft:tasks"),
        ("updraft-dags", "updraft:dags"),
        ("updraft", "updraft:<area> for each area"),
        ("task", "updraft:tasks"),
    ],
)
def test_a_key_without_effect_is_refused_where_ours_was_meant(
    key: str, meant: str, tmp_path: Path
) -> None:
    with pytest.raises(UpdraftError) as caught:
        stack(tmp_path, f"config:\n  {key}: {{}}\n")
    print(caught.value)
    assert f'the key "{key}" has no effect; {meant} is meant' in caught.value.what


def test_keys_of_providers_are_theirs(tmp_path: Path) -> None:
    theirs = "kubernetes:context: a\n  pulumi:tags: {}\n  aws:region: b\n  draft:x: 1"
    found = stack(tmp_path, f"config:\n  {theirs}\n  updraft:dags: {{}}\n")
    assert found == {"platform": {"name": "updraft-x"}, "dags": {}}


@pytest.mark.parametrize("value", ["2026-13-45", "[" * 5000, '{"a":1,"a":2}', "'", "*a"])
def test_a_value_of_set_that_is_no_yaml_is_refused(value: str) -> None:
    with pytest.raises(UpdraftError, match="whose value is not YAML") as caught:
        parse_overrides(f"tasks.quota.pods={value}")
    print(str(caught.value)[:200])
