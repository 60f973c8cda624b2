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
        ("a: [", "(line 1)"),
        ("a: 2026-13-45\n", "month must be in 1..12"),
        ("a: {b: 2026-01-31}", "a.b: YAML reads a date here; text goes in quotes"),
        ("a: !!binary aGk=", "a: YAML reads a bytes here"),
        ("a: !!set {b}", "a: YAML reads a set here"),
        ("a: &a [*a]", "a holds itself by an alias"),
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
    with pytest.raises(UpdraftError, match="not YAML") as refused:
        stack(tmp_path, text)
    assert "Pulumi.x.yaml" in refused.value.where


def test_what_yaml_merges_is_no_double() -> None:
    assert parse("a: &a {x: 1}\nb: {<<: *a, y: 2}\n")["b"] == {"x": 1, "y": 2}


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
