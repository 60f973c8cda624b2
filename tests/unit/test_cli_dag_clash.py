"""Who does what the error says of a clash can go on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from infra.errors import UpdraftError
from tests.unit.dag_pushes import files, git, push_as_somebody, pusher


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_who_takes_their_version_as_the_error_says_can_change_it_from_there(
    mode: int, folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    (folder / "a.py").chmod(mode)
    push_as_somebody(bare, tmp_path, "dags/a.py", "a = 'theirs'\n")
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    (folder / "a.py").write_text("a = 'ours'\n")
    with pytest.raises(UpdraftError) as caught:
        pusher(folder, bare, tmp_path / "state").push()
    print(caught.value)
    command = caught.value.fix.partition("(")[2].partition(")")[0]
    subprocess.run(command, shell=True, check=True)  # noqa: S602 -- as a user would type it
    assert (folder / "a.py").read_text() == "a = 'theirs'\n"
    assert not pusher(folder, bare, tmp_path / "state").push().new
    (folder / "a.py").write_text("a = 'both'\n")
    assert pusher(folder, bare, tmp_path / "state").push().changes.changed == ("dags/a.py",)
    assert files(bare) == {"dags/a.py": "a = 'both'", "dags/theirs.py": "theirs = 1"}


def test_who_takes_a_file_out_as_the_error_says_can_go_on(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    clone = tmp_path / "clone"
    git("clone", "-q", str(bare), str(clone), cwd=tmp_path)
    git("rm", "-q", "dags/a.py", cwd=clone)
    git("commit", "-qm", "Remove a", cwd=clone)
    git("push", "-q", cwd=clone)
    (folder / "a.py").write_text("a = 'ours'\n")
    with pytest.raises(UpdraftError) as caught:
        pusher(folder, bare, tmp_path / "state").push()
    print(caught.value)
    assert caught.value.fix.startswith("take dags/a.py out of the folder, as they have, push")
    (folder / "a.py").unlink()
    assert not pusher(folder, bare, tmp_path / "state").push().new
    (folder / "a2.py").write_text("a = 'ours'\n")
    assert pusher(folder, bare, tmp_path / "state").push().changes.added == ("dags/a2.py",)


def write(root: Path, files: dict[str, str]) -> None:
    """Have a folder hold these files and no others, but for git's own."""
    root.mkdir(parents=True, exist_ok=True)
    for path in root.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, text in {**files, "stays.py": "stays"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


class Odd(NamedTuple):
    """Something that is a file of one side and a folder of the other."""

    before: dict[str, str]
    theirs: dict[str, str]
    ours: dict[str, str]
    told: str
    after: dict[str, str]


ODD = [
    Odd({}, {"s": "x"}, {"s/o": "y"}, "s is a file", {"s": "x", "s_ours/o": "y"}),
    Odd({}, {"s/t": "x"}, {"s": "y"}, "s is a folder", {"s/t": "x", "s_ours": "y"}),
    Odd({"a.py": "0"}, {"a.py": "1"}, {"a.py/b": "2"}, "a.py is a file",
        {"a.py": "1", "a_ours.py/b": "2"}),
    Odd({"a.py": "0"}, {"a.py/b": "1"}, {"a.py": "2"}, "a.py is a folder",
        {"a.py/b": "1", "a_ours.py": "2"}),
    Odd({"s/b": "0"}, {"s": "1"}, {"s/b": "2"}, "s is a file", {"s": "1", "s_ours/b": "2"}),
    Odd({"s/b": "0"}, {"s/b": "1"}, {"s": "2", "s_ours": "3"}, "s is a folder",
        {"s/b": "1", "s_ours1": "2", "s_ours": "3"}),
]  # fmt: skip


@pytest.mark.parametrize("sub_path", ["", "x/y"])
@pytest.mark.parametrize("odd", ODD)
def test_what_is_a_file_of_one_side_and_a_folder_of_the_other_is_set_aside_as_the_error_says(
    sub_path: str, odd: Odd, folder: Path, bare: Path, tmp_path: Path
) -> None:
    write(folder, odd.before)
    pusher(folder, bare, tmp_path / "state", sub_path).push()
    clone = tmp_path / "clone"
    git("clone", "-q", str(bare), str(clone), cwd=tmp_path)
    write(clone / sub_path, odd.theirs)
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "Change it", cwd=clone)
    git("push", "-q", cwd=clone)
    write(folder, odd.ours)
    with pytest.raises(UpdraftError, match="others changed the same DAGs") as caught:
        pusher(folder, bare, tmp_path / "state", sub_path).push()
    print(caught.value)
    assert f"{odd.told} of theirs and a " in caught.value.fix
    assert "as they have" not in caught.value.fix
    command = caught.value.fix.partition("(")[2].partition(")")[0]
    subprocess.run(command, shell=True, check=True)  # noqa: S602 -- as a user would type it
    pusher(folder, bare, tmp_path / "state", sub_path).push()
    after = {str(Path(sub_path, name)): text for name, text in odd.after.items()}
    assert files(bare) == {**after, str(Path(sub_path, "stays.py")): "stays"}


def test_a_file_of_theirs_where_the_folder_of_dags_has_to_be_is_told(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    push_as_somebody(bare, tmp_path, "dags", "theirs\n")
    with pytest.raises(UpdraftError, match="others changed the same DAGs: dags\n") as caught:
        pusher(folder, bare, tmp_path / "state").push()
    print(caught.value)
    assert "dags is a file of theirs" in caught.value.fix
    assert "push-by-git.md" in caught.value.fix
