"""Ctrl-C: what a command says then is true of its work."""

from __future__ import annotations

import sys

import pytest

from infra.cli.__main__ import Command, main
from infra.cli.termination import INTERRUPTED


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("up", "interrupted; the same command goes on from here"),
        ("trigger", "interrupted; a run that has begun goes on without it: make status"),
        ("status", "interrupted"),
    ],
)
def test_an_interrupt_says_what_becomes_of_the_work(
    command: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Command, "run", interrupt)
    monkeypatch.setattr(sys, "argv", ["updraft", command])
    monkeypatch.setattr("infra.cli.__main__.interrupt_on_sigterm", lambda: None)
    assert main() == INTERRUPTED
    assert capsys.readouterr().err.strip() == told
