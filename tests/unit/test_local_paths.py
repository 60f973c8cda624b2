"""An instance's names fit where kernel and Kubernetes take them, and differ among checkouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import UpdraftError
from infra.local.paths import Paths, default_instance

UNIX_SOCKET_LIMIT = 107
LINK_LIMIT = 15
LABEL_LIMIT = 63


def test_two_checkouts_have_two_instances() -> None:
    first = default_instance(Path("/home/a/updraft"))
    second = default_instance(Path("/home/b/updraft"))
    print(first, second)
    assert first != second
    assert first.startswith("updraft-")


@pytest.mark.parametrize("folder", ["My Project_2", "x" * 90, "été", "..."])
def test_any_folder_gives_a_name_that_is_accepted(folder: str) -> None:
    name = default_instance(Path("/srv") / folder)
    print(name)
    assert Paths.for_instance(name).instance == name


def test_the_longest_name_fits_everywhere() -> None:
    paths = Paths.for_instance("a" * 40)
    assert len(paths.link) <= LINK_LIMIT
    assert len(paths.name) <= LABEL_LIMIT
    assert len(f"{paths.containerd_socket}.ttrpc") <= UNIX_SOCKET_LIMIT


def test_links_of_alike_names_differ() -> None:
    names = [Paths.for_instance(f"checkout-{n}").link for n in range(200)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["A", "a_b", "-a", "a-", "a" * 41, "a/b", ".."])
def test_a_name_that_does_not_fit_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(UpdraftError) as caught:
        Paths.for_instance(name)
    print(caught.value)
    assert name in caught.value.what
    assert caught.value.where == "INSTANCE"


def test_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UPDRAFT_CACHE", str(tmp_path / "c"))
    monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path / "s"))
    monkeypatch.setenv("INSTANCE", "named")
    paths = Paths.for_instance()
    assert paths.cache == tmp_path / "c"
    assert paths.state == tmp_path / "s" / "named"
    assert paths.run == Path("/run/updraft/named")


def test_what_runs_from_another_state_folder_is_not_touched(tmp_path: Path) -> None:
    mine, others = (
        Paths("named", tmp_path / "c", tmp_path / who / "named", tmp_path / "run")
        for who in ("mine", "others")
    )
    mine.refuse_other_state()
    for paths in (mine, others):
        paths.state.mkdir(parents=True)
    mine.run.mkdir()
    mine.state_of_run.write_text(str(mine.state))
    mine.refuse_other_state()
    with pytest.raises(UpdraftError, match="in another folder") as caught:
        others.refuse_other_state()
    print(caught.value)
    assert f"UPDRAFT_STATE={tmp_path / 'mine'} " in caught.value.fix
    mine.state.rmdir()  # of a run that a machine's crash left, say
    others.refuse_other_state()
