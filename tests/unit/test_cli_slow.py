"""The groups of slow tests: each is named once, and its record speaks for one commit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from infra.cli import slow
from infra.cli.__main__ import main
from infra.cli.slow import GROUPS, OLDEST, RECORD, Record
from infra.errors import UpdraftError
from infra.root import ROOT
from tests import conftest

Commit = Callable[[], str]
GROUP = next(iter(GROUPS))


@pytest.fixture
def commit(tmp_path: Path) -> Commit:
    """Commits a file of its own to a repository, and returns the commit."""
    author = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *author, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "-q")

    def more() -> str:
        with (tmp_path / "file").open("a") as file:
            file.write("a line\n")
        git("add", "file")
        git("commit", "-q", "-m", "More")
        return git("rev-parse", "HEAD")

    more()
    return more


def recorded(folder: Path, commit: str, group: str = GROUP) -> Record:
    record = Record(folder)
    assert record.tested_commit() == commit
    record.add(group, commit, 61.7)
    return record


def test_a_group_that_passed_is_recorded_with_commit_time_and_seconds(
    tmp_path: Path, commit: Commit
) -> None:
    head = commit()
    record = recorded(tmp_path, head)
    print((tmp_path / RECORD).read_text())
    passed = record.read()[GROUP]
    assert (passed.commit, passed.seconds) == (head, 62)
    assert re.search(
        r"^date = \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", (tmp_path / RECORD).read_text(), re.M
    )
    assert record.warnings([GROUP]) == []


def test_a_second_group_keeps_the_first_and_its_record_is_no_change_of_the_tree(
    tmp_path: Path, commit: Commit
) -> None:
    head = commit()
    for group in GROUPS:
        recorded(tmp_path, head, group)
    print((tmp_path / RECORD).read_text())
    assert list(Record(tmp_path).read()) == list(GROUPS)
    assert len(GROUPS) > 1


def test_a_group_without_a_record_is_warned_of(tmp_path: Path, commit: Commit) -> None:
    record = recorded(tmp_path, commit())
    told = record.warnings()
    print("\n".join(told))
    assert [GROUP in line for line in told] == [False] * (len(GROUPS) - 1)
    assert all("never recorded" in line for line in told)


def test_a_record_is_warned_of_when_it_is_too_many_commits_old(
    tmp_path: Path, commit: Commit
) -> None:
    record = recorded(tmp_path, commit())
    for _ in range(OLDEST):
        commit()
    assert record.warnings([GROUP]) == []
    commit()
    [told] = record.warnings([GROUP])
    print(told)
    assert told.startswith(f"make test-slow GROUP={GROUP}: passed at ")
    assert told.endswith(f", {OLDEST + 1} commits ago")


@pytest.mark.parametrize("unknown", [False, True], ids=["rewritten", "unknown"])
def test_a_commit_outside_the_history_is_warned_of(
    tmp_path: Path, commit: Commit, *, unknown: bool
) -> None:
    first, second = commit(), commit()
    record = recorded(tmp_path, second)
    if unknown:
        file = tmp_path / RECORD
        file.write_text(file.read_text().replace(second, "0" * 40))
    else:
        command = ["git", "reset", "-q", "--hard", first]
        subprocess.run(command, cwd=tmp_path, check=True)
    [told] = record.warnings([GROUP])
    print(told)
    assert "not in the history" in told


@pytest.mark.parametrize("name", ["file", "new"], ids=["changed", "untracked"])
def test_nothing_is_recorded_of_a_tree_that_differs_from_its_commit(
    tmp_path: Path, commit: Commit, name: str
) -> None:
    head = commit()
    (tmp_path / name).write_text("changed")
    with pytest.raises(UpdraftError, match="work tree differs") as caught:
        Record(tmp_path).add(GROUP, head, 1)
    print(caught.value)
    assert f" {name}\n" in str(caught.value)
    assert not (tmp_path / RECORD).exists()


def test_nothing_is_recorded_where_another_commit_was_checked_out_meanwhile(
    tmp_path: Path, commit: Commit
) -> None:
    tested = Record(tmp_path).tested_commit()
    commit()
    with pytest.raises(UpdraftError, match="passed but is not recorded"):
        Record(tmp_path).add(GROUP, tested, 1)
    assert not (tmp_path / RECORD).exists()


@pytest.mark.parametrize("text", ["[faults", "[faults]\ncommit = 1\n"], ids=["toml", "entry"])
def test_a_spoilt_record_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).parent.mkdir()
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(UpdraftError, match="no record of slow tests") as caught:
        Record(tmp_path).read()
    assert str(RECORD) in str(caught.value)


def test_an_unknown_group_is_refused_with_the_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROUP", "nothing")
    monkeypatch.setattr(sys, "argv", ["infra.cli", "test-slow"])
    assert main() == 1
    told = capsys.readouterr().err
    print(told)
    assert 'no group "nothing"' in told
    assert [name for name in GROUPS if f"GROUP={name}" not in told] == []


def test_without_a_group_all_run_and_with_one_it_alone() -> None:
    assert slow.chosen(None) == list(GROUPS)
    assert slow.chosen(GROUP) == [GROUP]


def test_help_names_every_group() -> None:
    line = re.search(r"^#= GROUP=.*", (ROOT / "Makefile").read_text(), re.M)
    assert line
    print(line[0])
    assert [name for name in GROUPS if name not in line[0]] == []


def test_the_record_of_this_checkout_can_be_read_and_names_known_groups() -> None:
    if not (ROOT / RECORD).exists():
        pytest.skip(f"no group has passed on record: there is no {RECORD}")
    passed = Record().read()
    print(passed)
    assert passed
    assert passed.keys() <= GROUPS.keys()


def test_a_slow_test_outside_the_folder_of_slow_tests_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "test_elsewhere.py"
    mark = f'@pytest.mark.slow(group="{GROUP}")'
    file.write_text(f"import pytest\n\n\n{mark}\ndef test_nothing() -> None: ...\n")
    command = ["-c", "pyproject.toml", "-p", "tests.conftest", "--collect-only", "-q", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout, done.stderr)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"{file}: a slow test outside tests/cluster" in done.stderr


@pytest.mark.parametrize(("group", "skipped", "code"), [(GROUP, 1, 1), (GROUP, 0, 0), (None, 1, 0)])
def test_a_group_of_which_a_test_was_skipped_has_not_passed(
    group: str | None, skipped: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    outcomes["cluster"] += Counter(passed=3, skipped=skipped)
    monkeypatch.setattr(conftest, "OUTCOMES", outcomes)
    session = SimpleNamespace(exitstatus=0, config=SimpleNamespace(getoption=lambda _: group))
    conftest.pytest_sessionfinish(session, 0)  # type: ignore[arg-type]
    assert session.exitstatus == code
