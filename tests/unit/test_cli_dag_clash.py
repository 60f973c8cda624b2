"""Who does what the error says of a clash can go on."""

from __future__ import annotations

import subprocess
from pathlib import Path

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


@pytest.mark.parametrize("theirs", ["nothing", "a folder"])
def test_who_takes_a_file_out_as_the_error_says_can_go_on(
    theirs: str, folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    clone = tmp_path / "clone"
    git("clone", "-q", str(bare), str(clone), cwd=tmp_path)
    git("rm", "-q", "dags/a.py", cwd=clone)
    if theirs == "a folder":
        (clone / "dags" / "a.py").mkdir(parents=True)
        (clone / "dags" / "a.py" / "b.py").write_text("b = 1\n")
    git("add", "-A", cwd=clone)
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


def test_a_file_of_one_side_that_is_a_folder_of_the_other_is_refused_by_name(
    folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "state").push()
    push_as_somebody(bare, tmp_path, "dags/shared", "theirs\n")
    (folder / "shared").mkdir()
    (folder / "shared" / "ours.py").write_text("ours = 1\n")
    with pytest.raises(UpdraftError, match="others changed the same DAGs: dags/shared\n"):
        pusher(folder, bare, tmp_path / "state").push()
