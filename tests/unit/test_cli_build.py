"""Keys of stacks that are rendered: each stack's own, and none is lost."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from pathlib import Path

import pytest

from infra.cli import build, choices
from infra.cli.choices import EMBEDDED, Choices
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.local.paths import Paths

LIVE = Choices(
    context="", engine=EMBEDDED, chart=EMBEDDED, chart_path="/c", stack="local", registry="",
    ui_port=8080, made_by="0.2.0",
)  # fmt: skip
VALUES = {"result": "a-password-of-before"}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths("one", tmp_path / "cache", tmp_path / "updraft" / "one", tmp_path / "run")


def drawn(store: KeyStore) -> str:
    return store.take("random::key", lambda: {"result": f"drawn for {store.path}"})["result"]


def test_each_rendered_stack_has_keys_of_its_own(paths: Paths) -> None:
    stacks = [build._keys(paths, name, LIVE) for name in ("staging", "prod")]
    platform = KeyStore(paths.state / "keys.json")
    assert len({drawn(store) for store in (*stacks, platform)}) == 3
    assert drawn(build._keys(paths, "prod", None)) == drawn(stacks[1])


def test_they_outlive_make_down(paths: Paths) -> None:
    choices.write(paths.state, LIVE)
    store = build._keys(paths, "prod", LIVE)
    drawn(store)
    assert paths.state not in store.path.parents
    # Another instance's state is looked for in the folder above.
    assert paths.state.parent not in store.path.parents


def test_keys_that_version_0_1_drew_for_a_rendered_stack_go_on(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    old = {"version": 1, "resources": {"random::key": VALUES}}
    (paths.state / "keys.json").write_text(json.dumps(old))
    assert drawn(build._keys(paths, "prod", None)) == VALUES["result"]
    # What version 0.2 has made has keys of its own there, and nobody else's.
    assert drawn(build._keys(paths, "staging", LIVE)) != VALUES["result"]


@pytest.mark.parametrize("way", [0, 1], ids=["the old keys", "new keys"])
def test_beside_a_platform_of_version_0_1_the_user_says_which(paths: Paths, way: int) -> None:
    paths.state.mkdir(parents=True)
    old = {"version": 1, "resources": {"random::key": VALUES}}
    (paths.state / "keys.json").write_text(json.dumps(old))
    older = dataclasses.replace(LIVE, made_by="")
    with pytest.raises(UpdraftError, match="can't be told") as caught:
        build._keys(paths, "prod", older)
    commands = re.findall(r"mkdir -p .*?(?=;|$)", caught.value.fix)
    subprocess.run(commands[way], shell=True, check=True)  # noqa: S602 - as a user types it
    assert (drawn(build._keys(paths, "prod", older)) == VALUES["result"]) == (way == 0)
