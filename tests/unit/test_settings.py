"""Settings: what a stack may say, and what is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from infra.errors import UpdraftError
from infra.root import ROOT
from infra.settings import Settings, load, reference
from infra.settings.stack import merge, read
from tests.unit.settings_smallest import SMALLEST, walk


def test_a_secret_is_masked_in_the_settings_own_text() -> None:
    change = {"database": {"external": {"host": "h", "password": "hunter2-secret"}}}
    settings = load(merge(SMALLEST, change))
    assert settings.database.external is not None
    assert isinstance(settings.database.external.password, SecretStr)
    assert "hunter2-secret" not in repr(settings)


@pytest.mark.parametrize("stack", ["local", "prod"])
def test_the_stacks_that_are_delivered_are_valid(stack: str) -> None:
    settings = load(read(stack))
    assert settings.cluster.context


def test_settings_are_frozen() -> None:
    settings = load(SMALLEST)
    with pytest.raises(ValidationError, match="frozen"):
        settings.cluster.context = "there"  # type: ignore[misc]


def test_every_setting_says_what_it_is_for() -> None:
    walked = list(walk(Settings))
    print(len(walked), "settings")
    assert len(walked) > 80
    assert [path for path, field in walked if not field.description] == []


def test_the_reference_page_lists_what_the_settings_are() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    assert page.read_text() == reference.text(), (
        "write it anew: python -m infra.settings.reference > docs/reference/settings.md"
    )


def test_parallelism_follows_the_quota_unless_it_is_set() -> None:
    quota = {"quota": {"pods": 7}}
    assert load(merge(SMALLEST, {"tasks": quota})).parallelism == 7
    assert load(merge(SMALLEST, {"tasks": {**quota, "parallelism": 9}})).parallelism == 9


def test_an_unknown_stack_names_those_that_there_are() -> None:
    with pytest.raises(UpdraftError, match="no stack") as caught:
        read("prd")
    assert "local, prod" in str(caught.value)


def test_a_stack_that_is_not_yaml_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.bad.yaml").write_text("config: [")
    with pytest.raises(UpdraftError, match="not YAML") as caught:
        read("bad", root=tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_overrides_are_laid_over_a_stack_key_by_key() -> None:
    config = read("local", {"cluster": {"context": "other"}, "image": {"tag": "abc"}})
    stack = read("local")
    assert config["cluster"] == {"context": "other"}
    assert config["image"] == {**_mapping(stack["image"]), "tag": "abc"}
    assert config["tasks"] == stack["tasks"]


def test_an_override_of_none_removes_a_key() -> None:
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}) == {"a": {"c": 2}}


def test_the_root_of_the_stacks_is_the_checkout() -> None:
    assert (ROOT / "Pulumi.yaml").is_file()


def _mapping(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value
