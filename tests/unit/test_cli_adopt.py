"""Which platform or stack make adopt is about, and by what name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.cli.adopt import is_of_checkout
from infra.cli.choices import EMBEDDED, Choices
from infra.cli.options import Options
from infra.deploy.pulumi_checkout import CheckoutEngine
from infra.deploy.pulumi_engine import PROGRAMS

MADE = Choices(
    context="shared",
    engine=EMBEDDED,
    chart=EMBEDDED,
    chart_path="",
    stack="local",
    registry="",
    ui_port=8080,
)


@pytest.mark.parametrize(
    ("options", "recorded", "of_checkout"),
    [
        (Options(), None, False),
        (Options(), MADE, False),
        (Options(context="shared"), None, False),
        (Options(context="shared", stack="prod"), None, False),
        (Options(engine="pulumi", stack="prod"), None, False),
        (Options(stack="local"), MADE, False),
        (Options(stack="prod"), None, True),
        (Options(stack="acme/prod"), MADE, True),
    ],
)
def test_a_stack_alone_is_the_checkouts_and_all_else_is_make_ups(
    options: Options, recorded: Choices | None, of_checkout: bool
) -> None:
    found = bool(options.stack) and is_of_checkout(options, recorded)
    assert found is of_checkout


def test_whose_a_stack_is_is_no_part_of_the_platforms_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\necho "{{}}"\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    engine = CheckoutEngine("acme/prod", tmp_path / "engine", print)
    engine.prepare()
    assert engine.config["platform"] == {"name": "updraft-prod"}
    assert engine.stack_name == "prod"
    assert "--stack acme/prod" in (tmp_path / "said").read_text()
