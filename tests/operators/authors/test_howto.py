"""The how-to for authors, followed from its first command to its last that needs no platform."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infra.dev.environment import free_port
from infra.root import ROOT
from tests import howto
from updraft.testing.binaries import Account

PAGE = ROOT / "docs" / "howto" / "write-test-push.md"


def test_every_command_of_the_how_to_does_what_it_says(tmp_path: Path) -> None:
    # PostgreSQL's user has to reach the state, which is not so below pytest's own folder.
    state = Account.able().folder()
    try:
        done = howto.follow(
            PAGE, tmp_path, UI_PORT=str(free_port()), INSTANCE="test-how-to",
            UPDRAFT_STATE=str(state),
        )  # fmt: skip
    finally:
        shutil.rmtree(state)
    print(done)
    assert len(done) == 4


def test_what_needs_a_platform_is_marked() -> None:
    marked = [
        command
        for block in howto.blocks(PAGE)
        if block.mark == "cluster"
        for command, _ in block.commands()
    ]
    print(marked)
    assert marked == ["make examples", "make push-dags", "make trigger DAG=count_rows"]


def test_a_command_that_fails_or_says_something_else_is_told(tmp_path: Path) -> None:
    for command, wrong in (("false", "exit code 1"), ("echo yes\nno", "did not say: no")):
        page = tmp_path / "page.md"
        page.write_text(f"```console\n$ {command}\n```\n")
        folder = tmp_path / wrong.replace(" ", "-")
        with pytest.raises(AssertionError, match=wrong):
            howto.follow(page, folder)
