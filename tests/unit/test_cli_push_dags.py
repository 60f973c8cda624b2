"""The commands push DAGs to the settings' folder, tell it, and ask where those are others'."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.cli import demonstration, operate
from infra.cli.choices import write
from infra.cli.dag_repository import Remote
from infra.cli.dags import DagPusher
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.errors import UpdraftError
from infra.local.tools import ToolCache
from infra.output import Output
from tests.unit.dag_pushes import files, push_as_somebody, pusher

KUBECTL = """#!/bin/sh
case "$*" in
  *readyz*) echo ok ;;
  *"get secret"*) echo '{"data": {"GITSYNC_USERNAME": "ZGFncw==", "GITSYNC_PASSWORD": "cw=="}}' ;;
  *port-forward*) echo "Forwarding from 127.0.0.1:9 -> 80"; exec sleep 60 ;;
esac
"""


@pytest.mark.parametrize("sub_path", [".", "dags", ".dags", "x/.y"])
def test_dags_are_pushed_to_the_folder_that_the_settings_name(
    sub_path: str,
    platform: Platform,
    folder: Path,
    bare: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = platform.paths.state / "cache"
    monkeypatch.setenv("UPDRAFT_CACHE", str(cache))
    kubectl = ToolCache(cache).path("kubectl")
    kubectl.parent.mkdir(parents=True)
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    chosen = dataclasses.replace(platform.chosen, overrides={"dags": {"subPath": sub_path}})
    with Platform(platform.paths, chosen).git_remote() as remote:
        print(remote)
    DagPusher(folder, platform.paths.state, dataclasses.replace(remote, url=str(bare))).push()
    assert files(bare) == {str(Path(sub_path, "a.py")): "a = 1"}


@pytest.fixture
def served(platform: Platform, bare: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """The platform, its git server being the bare repository; that of another one pushed there."""

    @contextmanager
    def git_remote(_: Platform) -> Iterator[Remote]:
        yield Remote(str(bare), "main", "dags", "secret", "dags")

    monkeypatch.setattr(Platform, "git_remote", git_remote)
    platform.paths.state.mkdir(parents=True)
    write(platform.paths.state, platform.chosen)
    monkeypatch.delenv("YES", raising=False)
    monkeypatch.delenv("MIRROR", raising=False)
    return platform


def test_make_up_tells_what_it_pushes_and_takes_nothing_from_another_machine(
    served: Platform, folder: Path, bare: Path, tmp_path: Path
) -> None:
    pusher(folder, bare, tmp_path / "another").push()
    push_as_somebody(bare, tmp_path, "dags/theirs.py", "theirs = 1\n")
    (folder / "a.py").write_text("a = 0\n")
    (folder / "new.py").write_text("new = 1\n")
    told = io.StringIO()
    pushed = demonstration.push(served, Output(stream=told), folder)
    print(told.getvalue())
    assert pushed is not None
    assert pushed.new
    lines = [line.split("  ", 2)[-1].strip() for line in told.getvalue().splitlines()]
    assert lines == [
        "adds     dags/new.py",
        "leaves   dags/theirs.py: others pushed it",
        "leaves   dags/a.py: others pushed another version, which stays",
        "nothing was pushed from here before, so files are only added; make push-dags asks",
        "whether it may change and remove some as well",
        f"dags/ pushed as {pushed.commit[:12]}",
    ]
    assert files(bare)["dags/a.py"] == "a = 1"


def test_the_first_make_up_does_not_list_all_that_it_pushes(served: Platform, folder: Path) -> None:
    told = io.StringIO()
    demonstration.push(served, Output(stream=told), folder)
    print(told.getvalue())
    assert len(told.getvalue().splitlines()) == 1


def test_push_dags_asks_before_it_takes_another_machines_push_for_its_own(
    served: Platform,
    folder: Path,
    bare: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pusher(folder, bare, bare.parent / "another").push()
    (folder / "a.py").write_text("a = 0\n")
    options = Options(instance=served.paths.instance)
    with pytest.raises(UpdraftError, match="may be others' DAGs") as caught:
        operate.push_dags(options, str(folder))
    print(caught.value)
    assert "YES=1" in caught.value.fix
    assert files(bare) == {"dags/a.py": "a = 1"}
    monkeypatch.setenv("YES", "1")
    capsys.readouterr()
    operate.push_dags(options, str(folder))
    told = capsys.readouterr().out
    print(told)
    assert told.count("changes  dags/a.py") == 1
    assert files(bare) == {"dags/a.py": "a = 0"}
    # From now on it is its own.
    monkeypatch.delenv("YES")
    (folder / "a.py").write_text("a = 2\n")
    operate.push_dags(options, str(folder))
    assert files(bare) == {"dags/a.py": "a = 2"}
