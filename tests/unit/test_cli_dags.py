"""A folder of DAGs is pushed whole, or refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.cli import dag_files
from infra.cli.dag_report import tell_changes
from infra.errors import UpdraftError
from tests.unit.dag_pushes import files, git, pusher


@pytest.mark.parametrize(
    ("sub_path", "expected"), [("dags", "dags/a.py"), ("", "a.py"), ("x/y", "x/y/a.py")]
)
def test_the_folder_arrives_below_the_sub_path_without_compiled_files(
    folder: Path, bare: Path, tmp_path: Path, sub_path: str, expected: str
) -> None:
    assert pusher(folder, bare, tmp_path / "state", sub_path).push().new
    assert files(bare) == {expected: "a = 1"}


def test_a_deleted_dag_goes(folder: Path, bare: Path, tmp_path: Path) -> None:
    (folder / "b.py").write_text("b = 1\n")
    pusher(folder, bare, tmp_path / "state").push()
    (folder / "b.py").unlink()
    assert pusher(folder, bare, tmp_path / "state").push().new
    assert list(files(bare)) == ["dags/a.py"]


@pytest.mark.parametrize("commit", [True, False])
def test_a_repository_within_the_folder_is_refused_by_name(
    folder: Path, bare: Path, tmp_path: Path, commit: bool
) -> None:
    inner = folder / "library"
    inner.mkdir()
    git("init", "-q", cwd=inner)
    if commit:
        (inner / "m.py").write_text("m = 1\n")
        git("add", "-A", cwd=inner)
        git("commit", "-qm", "Begin", cwd=inner)
    with pytest.raises(UpdraftError) as caught:
        pusher(folder, bare, tmp_path / "state").push()
    print(caught.value)
    assert "library" in caught.value.what
    assert caught.value.where == str(folder)
    assert "folder" in caught.value.fix or ".git" in caught.value.fix
    assert git("for-each-ref", cwd=bare) == ""


@pytest.mark.parametrize("target", [".", "..", "beside"])
def test_a_link_at_which_the_dag_processor_would_end_is_refused_by_name(
    target: str, folder: Path, bare: Path, tmp_path: Path
) -> None:
    (folder / "within").mkdir()
    (folder / "within" / "one.py").write_text("one = 1\n")
    (folder / "within" / "beside").mkdir()
    (folder / "within" / "beside" / "two.py").write_text("two = 2\n")
    (folder / "within" / "back").symlink_to(target)
    (folder / "elsewhere").symlink_to("/etc")
    (folder / "nowhere").symlink_to("not there")
    (folder / "loop").symlink_to("loop")
    with pytest.raises(UpdraftError, match="among the DAGs already: within/back\n"):
        pusher(folder, bare, tmp_path / "state").push()


def test_a_large_file_is_refused_by_name_before_it_is_pushed(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    with (folder / "big.bin").open("wb") as file:
        file.truncate(dag_files.LARGEST + 1)
    with pytest.raises(UpdraftError, match=r"more than 20 MiB: big\.bin"):
        pusher(folder, bare, tmp_path / "state").push()
    assert git("for-each-ref", cwd=bare) == ""
    with (folder / "big.bin").open("wb") as file:
        file.truncate(dag_files.LARGEST)
    assert pusher(folder, bare, tmp_path / "state").push().new


def test_a_name_of_any_bytes_is_pushed_and_told_without_moving_the_cursor(
    folder: Path, bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/odd\xff\x1b[2J.txt"))).write_text("odd")
    pushed = pusher(folder, bare, tmp_path / "state").push()
    tell_changes(print, pushed.changes)
    told = capsys.readouterr().out
    assert "adds     dags/odd\\udcff\\x1b[2J.txt" in told
    assert told.isascii()


def test_a_missing_folder_is_named(bare: Path, tmp_path: Path) -> None:
    with pytest.raises(UpdraftError, match="folder of DAGs is missing"):
        pusher(tmp_path / "nowhere", bare, tmp_path / "state").push()
