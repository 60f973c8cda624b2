"""A run is of the newest commit that is known, whether or not the git server goes on to answer."""

from __future__ import annotations

import pytest

from infra.cli.demonstration import Newest
from infra.cli.platform import Platform
from infra.errors import UpdraftError

SILENT = UpdraftError("service/git can't be reached")


def asked(
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
    answers: list[str | UpdraftError],
    known: str = "",
) -> tuple[list[str], list[str]]:
    """What is taken for the newest commit at each look, and what is told."""
    left = list(answers)

    def answer(_: Platform) -> str:
        found = left.pop(0)
        if isinstance(found, UpdraftError):
            raise found
        return found

    monkeypatch.setattr(Platform, "newest_commit", answer)
    told: list[str] = []
    newest = Newest(platform, told.append, known)
    found = [newest() for _ in answers]
    print(found, *told, sep="\n")
    return found, told


def test_the_last_commit_known_is_waited_for_while_the_git_server_does_not_answer(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, told = asked(platform, monkeypatch, ["v1", SILENT, SILENT, "v2", SILENT])
    assert found == ["v1", "v1", "v1", "v2", "v2"]
    assert len(told) == 1
    assert "so v1 is taken for the newest commit" in told[0]


def test_what_was_pushed_is_known_though_the_git_server_never_answers_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = asked(platform, monkeypatch, [SILENT, SILENT, "v2"], known="v1")
    assert found == ["v1", "v1", "v2"]


def test_any_commit_will_do_where_none_was_ever_known(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, told = asked(platform, monkeypatch, [SILENT, "v1"])
    assert found == ["", ""]
    assert len(told) == 1
    assert "what Airflow has runs" in told[0]
