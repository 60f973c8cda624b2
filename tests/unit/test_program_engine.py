"""The engine `pulumi`: what it writes, what it tells, and what it makes of a killed run."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.deploy import pulumi_engine as engine
from infra.deploy.pulumi_errors import explain
from infra.deploy.pulumi_progress import Progress
from infra.errors import UpdraftError
from infra.root import ROOT
from infra.settings.stack import merge, read

# Lines of a real run, its program's path left out.
OUTPUT = """\
Updating (local):
 +  updraft:infra:Migrations migrations creating (0s)
    pulumi:pulumi:Stack updraft-local  warning: using pulumi-resource-random from $PATH at /bin/x
 +  kubernetes:core/v1:Secret database-login creating (0s)
 +  kubernetes:core/v1:Secret database-login creating (0s)
 +  kubernetes:core/v1:Secret database-login created (0.36s)
@ updating....
 +  kubernetes:batch/v1:Job migrations-migrate creating (0s)
@ updating..........
 +  kubernetes:batch/v1:Job migrations-migrate creating (7s) warning: [Pod a/b]: Error: ErrImagePull
Diagnostics:
  pulumi:pulumi:Stack (updraft-local):
    warning: using pulumi-resource-random from $PATH at /bin/x
Resources:
    + 1 created
"""


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Names of Pulumi's programs on PATH that do nothing, for what happens before they run."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in engine.PROGRAMS:
        (folder / name).write_text("#!/bin/sh\nexit 0\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    return folder


def prepared(state: Path, config: dict[str, object]) -> tuple[engine.Engine, list[str]]:
    said: list[str] = []
    made = engine.Engine(config, "local", state, said.append)
    made.prepare()
    return made, said


@pytest.mark.usefixtures("on_path")
def test_what_may_hold_a_secret_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    external = {"external": {"host": "h", "password": "hunter2"}}
    made, _ = prepared(tmp_path / "state", merge(read("local"), {"database": external}))
    modes = {
        path.relative_to(made.folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (made.folder, *made.folder.rglob("*"))
    }
    print({name: oct(mode) for name, mode in modes.items()})
    assert {"passphrase", "project/Pulumi.local.yaml"} <= modes.keys()
    assert {mode & 0o077 for mode in modes.values()} == {0}


@pytest.mark.usefixtures("on_path")
def test_passphrase_and_salt_outlive_a_second_run(tmp_path: Path) -> None:
    config = read("local")
    made, _ = prepared(tmp_path, config)
    passphrase = (made.folder / "passphrase").read_text()
    path = made.project / "Pulumi.local.yaml"
    written: dict[str, Any] = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**written, "encryptionsalt": "v1:salt"}))
    prepared(tmp_path, merge(config, {"image": {"tag": "next"}}))
    again: dict[str, Any] = yaml.safe_load(path.read_text())
    assert again["encryptionsalt"] == "v1:salt"
    assert again["config"]["updraft:image"]["tag"] == "next"
    assert (made.folder / "passphrase").read_text() == passphrase
    assert len(passphrase) > 32


@pytest.mark.usefixtures("on_path")
def test_the_checkouts_own_stack_file_is_left_alone(tmp_path: Path) -> None:
    before = (ROOT / "Pulumi.local.yaml").read_bytes()
    made, _ = prepared(tmp_path, read("local"))
    project: dict[str, Any] = yaml.safe_load((made.project / "Pulumi.yaml").read_text())
    assert project["main"] == str(ROOT / "infra")
    assert (ROOT / "Pulumi.local.yaml").read_bytes() == before


def test_a_program_that_is_missing_is_named(
    tmp_path: Path, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (on_path / "pulumi-resource-kubernetes").unlink()
    monkeypatch.setenv("PATH", str(on_path))
    with pytest.raises(UpdraftError, match="not on PATH: pulumi-resource-kubernetes"):
        prepared(tmp_path, read("local"))


@pytest.mark.usefixtures("on_path")
def test_a_value_that_another_backend_encrypted_is_refused_by_its_key(tmp_path: Path) -> None:
    change = {"dags": {"credentials": {"username": "u", "token": {"secure": "v1:abc"}}}}
    config = merge(merge(read("local"), {"dags": {"server": None}}), change)
    with pytest.raises(UpdraftError, match="encrypted") as caught:
        prepared(tmp_path, config)
    assert "updraft:dags.credentials.token" in str(caught.value)


@pytest.mark.parametrize(
    ("pid", "stale"), [(os.getpid(), False), (2**22 + 1, True)], ids=["alive", "none"]
)
def test_only_a_lock_without_its_process_is_stale(tmp_path: Path, pid: int, stale: bool) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(f'{{"pid": {pid}}}')
    assert engine._is_stale(lock) is stale


def test_progress_tells_each_thing_once_and_what_is_awaited() -> None:
    said: list[str] = []
    seconds = iter(range(0, 1000, 6))
    progress = Progress(said.append, clock=lambda: float(next(seconds)))
    for line in OUTPUT.splitlines():
        progress.line(line)
    print("\n".join(said))
    assert said.count("created Secret database-login") == 1
    assert any(line.startswith("waiting for migrations-migrate (") for line in said)
    assert not any("migrations (" in line or "Migrations" in line for line in said)
    assert any("ErrImagePull" in line for line in said)
    assert not any("using pulumi-resource" in line or "Diagnostics" in line for line in said)


def test_a_failure_tells_the_lines_that_matter_and_a_way_out() -> None:
    lines = ["noise"] * 50 + ["error: the stack is currently locked by 1 lock(s)"]
    error = explain("up", lines)
    assert "noise" not in str(error)
    assert "currently locked" in error.what
    assert "another `pulumi` works on this stack" in error.fix


def test_a_kind_that_the_cluster_lacks_is_told_with_what_brings_it() -> None:
    said = 'error: no matches for kind "ServiceMonitor" in version "monitoring.coreos.com/v1"'
    assert "Prometheus Operator" in explain("up", [said]).fix
