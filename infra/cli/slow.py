"""The groups of slow tests, and the record of the commit at which each passed last."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.errors import UpdraftError
from infra.root import ROOT

# What each shows; a test is in a group by `@pytest.mark.slow(group="faults")`.
GROUPS = {
    "faults": "what DAGs and task pods suffer fires its alert, which resolves",
    "servers": "what the platform's own servers suffer fires its alert, which resolves",
    "logs": "what the way of the log lines suffers fires its alert, and loses no line",
    "wide": "the largest fan-out, and the examples at full size",
    "node": "the embedded cluster by itself, killed at every step",
    "settings": "settings that are accepted, rendered and applied to an API server",
}
# Below it is every slow test, so that a group's run reads no other test's file.
FOLDER = ROOT / "tests" / "cluster"
RECORD = Path("tests/slow.toml")
# How many commits ago a group may have passed before `make test` warns.
OLDEST = 30
_HEAD = """\
# When each group of slow tests passed last; `make test-slow RECORD=1` writes it, `make test` warns
# where that is too long ago.
"""


@dataclass(frozen=True, slots=True)
class Passed:
    """A group that passed.

    Args:
        commit: The commit that was tested, with nothing changed on top of it.
        date: When the tests ended, in UTC.
        seconds: How long they took.
    """

    commit: str
    date: datetime
    seconds: int


def chosen(group: str | None) -> list[str]:
    """The groups to run: the one that was named, or all.

    Raises:
        UpdraftError: There is no such group.
    """
    if group is None:
        return list(GROUPS)
    if group not in GROUPS:
        listed = "\n         ".join(f"GROUP={name:<8} {text}" for name, text in GROUPS.items())
        raise UpdraftError(f'no group "{group}" of slow tests', fix=f"one of\n         {listed}")
    return [group]


class Record:
    """The record in a checkout.

    Args:
        root: The checkout.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def tested_commit(self) -> str:
        """The commit that a run of tests now would be of.

        Raises:
            UpdraftError: Something else than the record has changed since that commit.
        """
        changed = self._git("status", "--porcelain", "--", ".", f":!{RECORD}")
        if changed:
            raise UpdraftError(
                f"RECORD=1 is for a commit, and the work tree differs from it:\n{changed}",
                where=str(self._root),
                fix="commit or remove that, or leave RECORD=1 out",
            )
        return self._git("rev-parse", "HEAD")

    def add(self, group: str, commit: str, seconds: float) -> None:
        """Write that a group passed at a commit.

        Raises:
            UpdraftError: What is checked out has changed while the tests ran.
        """
        now = self.tested_commit()
        if now != commit:
            raise UpdraftError(
                f"{group} passed but is not recorded: it began at {commit[:12]}, and now"
                f" {now[:12]} is checked out",
                fix="run it again, and leave the checkout alone meanwhile",
            )
        passed = self.read() | {
            group: Passed(commit, datetime.now(UTC).replace(microsecond=0), round(seconds))
        }
        entries = [_entry(name, passed[name]) for name in GROUPS if name in passed]
        file = self._root / RECORD
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(".tmp")
        draft.write_text("\n".join([_HEAD, *entries]))
        draft.replace(file)

    def read(self) -> dict[str, Passed]:
        """When each group passed last; a group that never did is missing.

        Raises:
            UpdraftError: The file is not as it is written here.
        """
        file = self._root / RECORD
        if not file.exists():
            return {}
        try:
            found: dict[str, Any] = tomllib.loads(file.read_text())
            return {name: Passed(**entry) for name, entry in found.items()}
        except (tomllib.TOMLDecodeError, TypeError) as error:
            raise UpdraftError(
                f"it is no record of slow tests: {error}",
                where=str(file),
                fix=f"git checkout {RECORD}",
            ) from error

    def warnings(self, groups: Iterable[str] = GROUPS) -> list[str]:
        """What keeps the groups' last results from speaking for what is checked out now."""
        passed = self.read()
        told = {group: self._judged(passed.get(group)) for group in groups}
        return [f"make test-slow GROUP={group}: {text}" for group, text in told.items() if text]

    def _judged(self, passed: Passed | None) -> str:
        if passed is None:
            return "never recorded as passed"
        when = f"passed at {passed.commit[:12]} on {passed.date:%Y-%m-%d}"
        if self._is_ancestor(passed.commit):
            behind = int(self._git("rev-list", "--count", f"{passed.commit}..HEAD"))
            return f"{when}, {behind} commits ago" if behind > OLDEST else ""
        return f"{when}, which is not in the history of what is checked out"

    def _is_ancestor(self, commit: str) -> bool:
        command = ["git", "merge-base", "--is-ancestor", commit, "HEAD"]
        return not subprocess.run(
            command, cwd=self._root, capture_output=True, check=False
        ).returncode

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self._root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UpdraftError(
                f"git {arguments[0]}: {done.stderr.strip()}",
                where=str(self._root),
                fix="a record is of a commit, so it needs a clone made by git",
            )
        return done.stdout.strip("\n")


def _entry(group: str, passed: Passed) -> str:
    date = passed.date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'[{group}]\ncommit = "{passed.commit}"\ndate = {date}\nseconds = {passed.seconds}\n'
