"""What the commands on a live platform print."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.cli import demonstration
from infra.cli.choices import Choices
from infra.cli.platform import Platform
from infra.cli.remove import running
from infra.local.paths import Paths


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A platform of the embedded cluster as it is recorded; nothing runs."""
    monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path))
    chosen = Choices("", "embedded", "embedded", "", "local", "", 8080)
    return Platform(Paths.for_instance("told"), chosen)


def test_the_login_is_labelled_and_hides_the_password_until_it_is_given(platform: Platform) -> None:
    hidden = demonstration.login(platform)
    shown = demonstration.login(platform, ("somebody", "s3cret"))
    print("\n".join([*hidden, *shown]))
    assert hidden[0] == shown[0] == "UI:        http://localhost:8080"
    assert hidden[1] == "user:      admin"
    assert "make ui SECRETS=1" in hidden[2]
    assert shown[1:] == ["user:      somebody", "password:  s3cret"]


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ([], "no task runs"),
        (["Succeeded", "Failed"], "no task runs"),
        (["Running", "Succeeded"], "1 task runs, 0 wait to start: "),
        (["Running", "Pending", "Running", "Failed"], "2 tasks run, 1 waits to start: "),
        (["Pending", "Pending"], "0 tasks run, 2 wait to start: "),
    ],
)
def test_stop_counts_the_tasks_that_it_ends(phases: list[str], told: str) -> None:
    text = running({"status": {"phase": phase}} for phase in phases)
    print(text)
    assert text.startswith(told)
