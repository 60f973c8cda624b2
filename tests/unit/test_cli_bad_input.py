"""Bad input ends with a message that names it, exit code 1, and nothing made."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.cli.__main__ import main
from infra.cli.options import parse_conf, parse_dag, parse_logical_date
from infra.cli.prompt import confirm
from infra.errors import UpdraftError
from infra.root import ROOT
from infra.settings.grammar.git import address_of

Attempt = Callable[..., str]
OWN = {"INSTANCE": "test-bad-input", "YES": "", "SET": "", "STACK": "", "AIRFLOW_CHART": ""}


def refused(tmp_path: Path, code: int, told: str) -> str:
    """What a refused command said on standard error; it must have made nothing."""
    print(told)
    assert code == 1
    assert "error: " in told
    assert "Traceback" not in told
    state = tmp_path / "state"
    made = [path for path in state.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert made == [], "it was refused, but made something"
    return told


def accepted(*_: object, **__: object) -> None:
    pytest.fail("it was accepted")


@pytest.fixture
def attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Attempt:
    """Runs a command with state of its own, which must be refused; returns what it said."""

    def run(*arguments: str, **variables: str) -> str:
        own = {"UPDRAFT_STATE": str(tmp_path / "state"), **OWN, **variables}
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["infra.cli", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        # What is accepted by mistake makes no cluster here.
        monkeypatch.setattr("infra.cli.up._Up.announce", accepted)
        code = main()
        return refused(tmp_path, code, capsys.readouterr().err)

    return run


@pytest.fixture
def attempt_from(tmp_path: Path) -> Attempt:
    """The same as a program of its own, which another one starts: `before`."""

    def run(before: tuple[str, ...], *arguments: str, **variables: str) -> str:
        own = {"UPDRAFT_STATE": str(tmp_path / "state"), **OWN, **variables}
        done = subprocess.run(
            [*before, sys.executable, "-m", "infra.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return refused(tmp_path, done.returncode, done.stderr)

    return run


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("tasks.quota.pods=banana", "updraft:tasks.quota.pods"),
        ("tasks.quota.pods=0", "updraft:tasks.quota.pods"),
        ("tasks.quta.pods=3", "updraft:tasks.quta"),
        ("taks.quota.pods=3", "updraft:taks"),
        ("pods=3", "SET holds no area.key=value as word 1"),
        ("nonsense.pods=3", "SET holds no area.key=value as word 1"),
        ("database.external.password=a hunter2=", "SET holds no area.key=value as word 2"),
        ("database.external.password=a hunter2.x=b", "SET holds no area.key=value as word 2"),
        ("database.external.password=a hunter2", "SET holds no area.key=value as word 2"),
        ("database.external.password=@hunter2", 'SET holds "database.external.password=…"'),
        ("database.external.password=*hunter2", "undefined alias"),
        ("tasks.quota={pods:8}", "a key in { } has no value"),
        ("tasks.resources={requests:{memory:2Gi}}", "a key in { } has no value"),
        ("tasks.quta.pods=null", "updraft:tasks.quta: found this unknown key; allowed: one of"),
        ("taks.quota=null", "updraft:taks: found this unknown key; allowed: one of airflow,"),
        ('tasks.quota={"pdos":null}', "tasks.quota.pdos: found this unknown key; allowed: one of"),
        ("tasks.sizes.half.limit=", "half.limit: found this unknown key; allowed: one of limits,"),
        ("tasks.parallelism.x=null", "found this unknown key; allowed: a value without keys"),
        ("tasks.quota.pods=0200", "found a number that begins with 0, which YAML 1.1 reads"),
        ("keys.admin=hunter2!", "a text of 8 characters (not shown"),
        ("tasks.quota.pods=8 tasks.quota.pods=9", "beside a value for tasks.quota.pods"),
        ("tasks.quota=8 tasks.quota.pods=9", "beside a value for tasks.quota"),
        ("tasks.quota=5 tasks.quota.pods=8", 'SET holds "tasks.quota.pods=…" beside a value'),
        ("tasks.quota.pods={", "is not YAML"),
        ("tasks.quota.pods=!!python/object:os.system", "is not YAML"),
    ],
)
def test_a_wrong_setting(attempt: Attempt, given: str, told: str) -> None:
    found = attempt("up", SET=given)
    assert told in found
    assert "hunter2" not in found


def test_every_wrong_setting_is_told_at_once(attempt: Attempt) -> None:
    told = attempt("up", SET="tasks.quota.pods=x dags.depth=-1")
    assert "updraft:tasks.quota.pods" in told
    assert "updraft:dags.depth" in told


def test_a_stack_that_is_none(attempt: Attempt) -> None:
    assert 'no stack "nowhere"' in attempt("up", STACK="nowhere")


def test_a_chart_path_where_nothing_is(attempt: Attempt, tmp_path: Path) -> None:
    told = attempt("up", AIRFLOW_CHART=str(tmp_path / "none"))
    assert "there is no chart here" in told
    assert str(tmp_path / "none") in told


def test_a_folder_that_is_no_chart(attempt: Attempt, tmp_path: Path) -> None:
    assert "this is not a chart" in attempt("up", AIRFLOW_CHART=str(tmp_path))


def test_a_file_that_is_no_archive(attempt: Attempt, tmp_path: Path) -> None:
    file = tmp_path / "airflow.tgz"
    file.write_text("not a tar")
    assert "this is not a chart" in attempt("up", AIRFLOW_CHART=str(file))


def test_the_chart_of_something_else(attempt: Attempt, tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("name: redis\nversion: 1.0.0\n")
    archive = tmp_path / "redis.tgz"
    with tarfile.open(archive, "w:gz") as made:
        made.add(folder, "redis")
    for path in (folder, archive):
        assert "the chart of redis, not airflow" in attempt("up", AIRFLOW_CHART=str(path))


def test_a_port_in_use(attempt: Attempt) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = attempt("up", UI_PORT=str(port))
    assert f"port {port}" in told
    assert "UI_PORT=" in told


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none(attempt: Attempt, port: str) -> None:
    assert f'UI_PORT is "{port}"' in attempt("up", UI_PORT=port)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can stop being root")
def test_no_root(attempt_from: Attempt) -> None:
    told = attempt_from(("unshare", "--user", "--"), "up", UI_PORT="1024")
    assert "needs root" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_no_disk(attempt_from: Attempt, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=1m tmpfs {small} && exec "$@"'
    before = ("unshare", "--mount", "sh", "-c", script, "sh")
    told = attempt_from(before, "up", UPDRAFT_CACHE=str(small))
    assert f"disk of {small}" in told
    assert "GiB" in told


@pytest.mark.parametrize("remote", ["http://127.0.0.1:9/x.git", "https://git.invalid/x.git"])
def test_an_unreachable_git_remote(attempt: Attempt, remote: str) -> None:
    told = attempt("up", SET=f"dags.server=null dags.repository={remote}")
    assert "the git remote can't be reached" in told
    assert f"updraft:dags.repository: {remote}" in told


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://git.example.com/a/b.git", ("git.example.com", 443)),
        ("http://git.example.com:3000/b.git", ("git.example.com", 3000)),
        ("ssh://git@git.example.com:2222/b.git", ("git.example.com", 2222)),
        ("git@git.example.com:a/b.git", ("git.example.com", 22)),
    ],
)
def test_a_remotes_address(remote: str, address: tuple[str, int]) -> None:
    assert address_of(remote) == address


def test_an_unknown_engine(attempt: Attempt) -> None:
    assert "allowed: embedded, pulumi" in attempt("up", ENGINE="terraform")


@pytest.mark.parametrize(
    "given", ["tomorrow", "2026-13-01", "31.01.2026", "0001-01-01T00:00+14:00"]
)
def test_a_logical_date_that_is_none(given: str) -> None:
    with pytest.raises(UpdraftError, match=re.escape(f'LOGICAL_DATE is "{given}"')) as told:
        parse_logical_date(given)
    assert "2026-01-31" in str(told.value)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("", "now"),
        ("now", "now"),
        ("none", None),
        (" NONE", None),
        ("Now ", "now"),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T06:00+01:00", datetime(2026, 1, 31, 5, tzinfo=UTC)),
    ],
)
def test_a_logical_date(given: str, read: object) -> None:
    assert parse_logical_date(given) == read


def test_the_sign_for_every_dag_is_no_dag() -> None:
    assert parse_dag("dynamic_tasks") == "dynamic_tasks"
    with pytest.raises(UpdraftError, match="DAG=~ names no DAG"):
        parse_dag("~")


def test_a_logical_date_in_the_future_is_refused() -> None:
    with pytest.raises(UpdraftError, match="lies in the future"):
        parse_logical_date("9999-12-30")


def test_params_nested_beyond_what_json_reads_are_refused() -> None:
    with pytest.raises(UpdraftError, match="CONF is not JSON"):
        parse_conf('{"a": ' + "[" * 100_000)


@pytest.mark.parametrize(
    "conf", ['{"a": NaN}', '{"a": [-Infinity]}', r'{"a": "\ud800"}', r'{"\u0000": 1}']
)
def test_params_that_the_database_does_not_take_are_refused(conf: str) -> None:
    with pytest.raises(UpdraftError, match="CONF is not JSON") as caught:
        parse_conf(conf)
    print(caught.value)
    assert str(caught.value).isascii()


def test_params_of_any_script_are_taken() -> None:
    assert parse_conf(r'{"größe": "😀 \\u0000", "n": 1e3}') == {"größe": "😀 \\u0000", "n": 1000.0}


def test_a_state_folder_that_is_none_is_told_by_its_path(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UPDRAFT_STATE", "/dev/null")
    monkeypatch.setattr(sys, "argv", ["infra.cli", "status"])
    assert main() == 1
    told = capsys.readouterr().err
    print(told)
    assert "/dev/null" in told
    assert "have UPDRAFT_STATE name a folder that you may read" in told


def test_nobody_who_ends_the_input_has_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(_: str) -> str:
        raise EOFError

    monkeypatch.delenv("YES", raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", ended)
    with pytest.raises(UpdraftError, match="not agreed to"):
        confirm("Delete it")


def test_a_cluster_of_ones_own_needs_a_registry(attempt: Attempt) -> None:
    told = attempt("up", CONTEXT="mine")
    assert "REGISTRY=" in told


@pytest.mark.parametrize("command", ["status", "logs", "ui", "trigger", "push-dags", "stop", "env"])
def test_a_command_without_a_platform(attempt: Attempt, command: str) -> None:
    told = attempt(command)
    assert "there is no platform test-bad-input" in told
    assert "make up" in told


def test_down_without_agreement(attempt: Attempt) -> None:
    assert "YES=1" in attempt("down")
    assert 'YES is "maybe"' in attempt("down", YES="maybe")


def test_caches_that_another_instance_runs_from_are_not_purged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, state = tmp_path / "cache", tmp_path / "state"
    (state / "other").mkdir(parents=True)
    cache.mkdir()
    own = {"UPDRAFT_STATE": str(state), "UPDRAFT_CACHE": str(cache), "YES": "1", "PURGE": "1"}
    for name, value in {**OWN, **own}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["infra.cli", "down"])
    assert main() == 1
    assert "other instances use the caches: other" in capsys.readouterr().err
    assert cache.exists()
    (state / "other").rmdir()
    assert main() == 0
    print(capsys.readouterr().out)
    assert not cache.exists()


def test_an_instance_that_nothing_can_be_called(attempt: Attempt) -> None:
    assert "INSTANCE" in attempt("up", INSTANCE="../x")
