"""`make down` deletes what is its state's, `make dev`'s databases too, and nothing of another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.cli import remove
from infra.cli.options import Options
from infra.dev import elsewhere, owner
from infra.dev.home import Home
from infra.errors import UpdraftError
from infra.local import paths as all_paths
from infra.local.paths import Paths
from updraft.testing.binaries import Account

INSTANCE = "test-remove"
Of = Callable[[str], Paths]


@pytest.fixture
def of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Of:
    """Makes the paths of an instance whose state is in a folder of a name; all below one root."""
    monkeypatch.setattr(all_paths, "DATA_ROOT", tmp_path / "data")
    monkeypatch.setattr(all_paths, "RUN_ROOT", tmp_path / "run")
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INSTANCE", INSTANCE)
    monkeypatch.setenv("YES", "1")
    monkeypatch.delenv("PURGE", raising=False)

    def made(state: str) -> Paths:
        monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path / state))
        return Paths.for_instance()

    return made


@pytest.fixture
def unreached(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's user can enter no state, as it can't enter root's home."""
    monkeypatch.setattr(Account, "reaches", lambda *_: False)


def run_dev(paths: Paths) -> Home:
    """What a `make dev` leaves behind: its keys and its databases."""
    home = Home.of(paths)
    home.keys()
    (home.data / "base").mkdir(parents=True)
    return home


def down(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    remove.down(Options())
    return capsys.readouterr().out


@pytest.mark.usefixtures("unreached")
def test_down_deletes_what_its_state_keeps_elsewhere_and_leaves_anothers(
    of: Of, capsys: pytest.CaptureFixture[str]
) -> None:
    home = run_dev(of("first"))
    assert home.data.is_relative_to(of("first").elsewhere)
    trial = of("trial")
    trial.state.mkdir(parents=True)
    told = down(capsys)
    assert not trial.state.exists()
    assert home.data.is_dir()
    assert f"{trial.elsewhere} stays: its databases are of {of('first').state}" in told
    assert "stays: its" not in down(capsys)
    assert not of("first").elsewhere.exists()
    assert not of("first").state.exists()


@pytest.mark.usefixtures("unreached")
def test_dev_refuses_the_databases_of_another_state_with_the_way_out(of: Of) -> None:
    first = run_dev(of("first"))
    with pytest.raises(UpdraftError, match="those of another state") as caught:
        Home.of(of("trial"))
    print(caught.value)
    assert str(of("first").state) in caught.value.where
    assert f"UPDRAFT_STATE={of('first').state.parent} " in caught.value.fix
    assert Home.of(of("first")) == first


@pytest.mark.usefixtures("unreached")
def test_what_an_older_version_made_is_of_the_state_that_has_its_keys(
    of: Of, capsys: pytest.CaptureFixture[str]
) -> None:
    home = run_dev(of("first"))
    (of("first").elsewhere / "state").unlink()
    trial = of("trial")
    with pytest.raises(UpdraftError, match="those of another state") as caught:
        Home.of(trial)
    print(caught.value)
    assert "that it does not name" in caught.value.where
    assert f"write {trial.state} into {trial.elsewhere / 'state'}" in caught.value.fix
    assert "a state that it does not name" in down(capsys)
    assert home.data.is_dir()
    # A state that PostgreSQL's user can enter has keys and databases of its own.
    (trial.state / "dev" / "postgres").mkdir(parents=True)
    (trial.state / "dev" / "secrets.json").write_text("{}")
    assert "a state that it does not name" in down(capsys)
    assert home.data.is_dir()
    assert Home.of(of("first")) == home
    assert elsewhere.owner(of("trial")) == of("first").state
    (of("first").elsewhere / "state").unlink()
    assert "stays: its" not in down(capsys)
    assert not home.data.exists()


@pytest.mark.usefixtures("unreached")
def test_a_down_that_was_killed_half_way_is_ended_by_the_next(
    of: Of, capsys: pytest.CaptureFixture[str]
) -> None:
    home = run_dev(of("first"))
    shutil.rmtree(of("first").state)
    assert "stays: its" not in down(capsys)
    assert not home.data.exists()


def test_down_refuses_while_dev_runs_and_names_its_process(of: Of) -> None:
    home = run_dev(of("first"))
    with home.taken():
        home.write_owner("http://127.0.0.1:1")
        with pytest.raises(UpdraftError, match="make dev runs already") as caught:
            remove.down(Options())
    print(caught.value)
    assert caught.value.where == f"process {os.getpid()}"
    assert caught.value.fix.startswith("end it by Ctrl-C")
    assert (home.data / "base").is_dir()


@pytest.mark.parametrize("within", [True, False])
def test_the_question_names_the_databases_of_dev_where_there_are_any(
    of: Of, within: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account, "reaches", lambda *_: within)
    monkeypatch.setenv("YES", "")
    paths = of("first")
    with pytest.raises(UpdraftError) as without:
        remove.down(Options())
    run_dev(paths)
    with pytest.raises(UpdraftError) as caught:
        remove.down(Options())
    print(caught.value)
    assert without.value.what == f"Delete {INSTANCE}, its cluster and data?"
    assert (
        caught.value.what == f"Delete {INSTANCE}, its cluster and data, make dev's databases too?"
    )
    assert paths.state.exists()


def test_who_waited_for_a_folder_that_down_deleted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "_wait", lambda *_: shutil.rmtree(tmp_path / "dev"))
    (tmp_path / "dev").mkdir()
    with pytest.raises(UpdraftError, match="deleted meanwhile"), owner.taken(tmp_path / "dev"):
        pass
    with pytest.raises(UpdraftError, match="can't be written"), owner.taken(tmp_path / "dev"):
        pass


def test_caches_that_others_share_are_refused_by_their_names(of: Of) -> None:
    paths = of("first")
    remove.refuse_shared(paths)
    for name in (INSTANCE, "b", "a"):
        paths.state.with_name(name).mkdir(parents=True)
    paths.state.with_name("c.lock").touch()
    with pytest.raises(UpdraftError) as caught:
        remove.refuse_shared(paths)
    assert caught.value.what == "other instances use the caches: a, b"
    assert "make down INSTANCE=a first" in caught.value.fix
    assert caught.value.where == str(paths.cache)
