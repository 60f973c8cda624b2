"""Bad input ends with a message that names it, exit code 1, and nothing made."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Attempt = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    """Runs a command with state of its own, and expects it to be refused before it made any."""

    def run(
        *arguments: str, before: tuple[str, ...] = (), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        state = tmp_path / "state"
        own = {"UPDRAFT_STATE": str(state), "INSTANCE": "test-bad-input", "YES": ""}
        done = subprocess.run(
            [*before, sys.executable, "-m", "infra.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **own, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        print(done.stdout, done.stderr)
        assert done.returncode == 1
        assert "error: " in done.stderr
        assert "Traceback" not in done.stderr
        made = [path for path in state.rglob("*") if path.is_file() and path.suffix != ".lock"]
        assert made == [], "it was refused, but made something"
        return done

    return run


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("tasks.quota.pods=banana", "updraft:tasks.quota.pods"),
        ("tasks.quota.pods=0", "updraft:tasks.quota.pods"),
        ("tasks.quta.pods=3", "updraft:tasks.quta"),
        ("taks.quota.pods=3", "updraft:taks"),
        ("pods=3", 'SET holds "pods=3"'),
    ],
)
def test_a_wrong_setting(attempt: Attempt, given: str, told: str) -> None:
    assert told in attempt("up", SET=given).stderr


def test_every_wrong_setting_is_told_at_once(attempt: Attempt) -> None:
    told = attempt("up", SET="tasks.quota.pods=x dags.depth=-1").stderr
    assert "updraft:tasks.quota.pods" in told
    assert "updraft:dags.depth" in told


def test_a_stack_that_is_none(attempt: Attempt) -> None:
    assert 'no stack "nowhere"' in attempt("up", STACK="nowhere").stderr


def test_a_chart_path_where_nothing_is(attempt: Attempt, tmp_path: Path) -> None:
    told = attempt("up", AIRFLOW_CHART=str(tmp_path / "none")).stderr
    assert "there is no chart here" in told
    assert str(tmp_path / "none") in told


def test_a_folder_that_is_no_chart(attempt: Attempt, tmp_path: Path) -> None:
    assert "this is not a chart" in attempt("up", AIRFLOW_CHART=str(tmp_path)).stderr


def test_a_file_that_is_no_archive(attempt: Attempt, tmp_path: Path) -> None:
    file = tmp_path / "airflow.tgz"
    file.write_text("not a tar")
    assert "this is not a chart" in attempt("up", AIRFLOW_CHART=str(file)).stderr


def test_the_chart_of_something_else(attempt: Attempt, tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("name: redis\nversion: 1.0.0\n")
    archive = tmp_path / "redis.tgz"
    with tarfile.open(archive, "w:gz") as made:
        made.add(folder, "redis")
    for path in (folder, archive):
        assert "the chart of redis, not airflow" in attempt("up", AIRFLOW_CHART=str(path)).stderr


def test_a_port_in_use(attempt: Attempt) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = attempt("up", UI_PORT=str(port)).stderr
    assert f"port {port}" in told
    assert "UI_PORT=" in told


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none(attempt: Attempt, port: str) -> None:
    assert f'UI_PORT is "{port}"' in attempt("up", UI_PORT=port).stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can stop being root")
def test_no_root(attempt: Attempt) -> None:
    told = attempt("up", UI_PORT="1024", before=("unshare", "--user", "--")).stderr
    assert "needs root" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_no_disk(attempt: Attempt, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=1m tmpfs {small} && exec "$@"'
    before = ("unshare", "--mount", "sh", "-c", script, "sh")
    told = attempt("up", before=before, UPDRAFT_CACHE=str(small)).stderr
    assert f"disk of {small}" in told
    assert "GiB" in told


def test_an_unknown_engine(attempt: Attempt) -> None:
    assert "allowed: embedded, pulumi" in attempt("up", ENGINE="terraform").stderr


def test_a_cluster_of_ones_own_needs_a_registry(attempt: Attempt) -> None:
    told = attempt("up", CONTEXT="mine").stderr
    assert "REGISTRY=" in told


@pytest.mark.parametrize("command", ["status", "logs", "ui", "trigger", "push-dags", "stop"])
def test_a_command_without_a_platform(attempt: Attempt, command: str) -> None:
    told = attempt(command).stderr
    assert "there is no platform test-bad-input" in told
    assert "make up" in told


def test_down_without_agreement(attempt: Attempt) -> None:
    assert "YES=1" in attempt("down").stderr
    assert 'YES is "maybe"' in attempt("down", YES="maybe").stderr


def test_an_instance_that_nothing_can_be_called(attempt: Attempt) -> None:
    assert "INSTANCE" in attempt("up", INSTANCE="../x").stderr
