"""The images' other scripts as they run, and all of them under the linters."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.images import NAMES
from infra.root import ROOT

IMAGES = ROOT / "images"
SCRIPTS = sorted(
    path
    for path in IMAGES.rglob("*")
    if path.is_file() and path.read_bytes()[:2] == b"#!" and os.access(path, os.X_OK)
)
TOOLS = Path(sysconfig.get_path("scripts"))


def run(*argv: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program with few variables."""
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        argv, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(IMAGES)))
def test_shellcheck_finds_nothing(script: Path) -> None:
    assert len(SCRIPTS) >= 7
    done = run(TOOLS / "shellcheck", script)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_hadolint_finds_nothing(name: str) -> None:
    done = run(
        TOOLS / "hadolint", "--config", IMAGES / ".hadolint.yaml", IMAGES / name / "Containerfile"
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def airflow_on_path(tmp_path: Path) -> str:
    """A PATH on which `airflow` prints its arguments."""
    program = tmp_path / "airflow"
    program.write_text('#!/bin/sh\necho "airflow: $*"\n')
    program.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["bash", "-c", "exec airflow scheduler"], "airflow: scheduler"),
        (["airflow", "db", "migrate"], "airflow: db migrate"),
        (["scheduler"], "airflow: scheduler"),
        # coreutils has a program of that name
        (["users", "list"], "airflow: users list"),
        (["sh", "-c", "echo $0 $1", "a b", "c"], "a b c"),
        (["/bin/echo", "x"], "x"),
        ([], "airflow: version"),
    ],
)
def test_the_entrypoint_becomes_what_it_is_given(
    airflow_on_path: str, arguments: list[str], printed: str
) -> None:
    done = run(IMAGES / "airflow/entrypoint", *arguments, PATH=airflow_on_path)
    print(done)
    assert (done.returncode, done.stdout.strip()) == (0, printed)


def test_the_entrypoint_passes_the_exit_code_on() -> None:
    assert run(IMAGES / "airflow/entrypoint", "sh", "-c", "exit 7").returncode == 7


class Health(http.server.BaseHTTPRequestHandler):
    """/health is well, and nothing else is there."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield str(server.server_port)
        server.shutdown()


def test_the_probe_judges_by_the_status(port: str) -> None:
    probe = IMAGES / "airflow/probe"
    found = {
        "well": run(probe, "http", port).returncode,
        "path": run(probe, "http", port, "/health").returncode,
        "ill": run(probe, "http", port, "/other").returncode,
        "closed": run(probe, "http", "1").returncode,
        "usage": run(probe, "nonsense").returncode,
    }
    print(found)
    assert found == {"well": 0, "path": 0, "ill": 1, "closed": 1, "usage": 2}


def test_old_logs_go_and_young_ones_stay(tmp_path: Path) -> None:
    logs = tmp_path / "logs" / "dag"
    logs.mkdir(parents=True)
    old, young, other = logs / "old.log", logs / "young.log", logs / "old.txt"
    for path in (old, young, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (0, 0))
    environment = {"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(tmp_path)}
    with subprocess.Popen(
        [IMAGES / "airflow/clean-logs"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=10)
    print(lines)
    assert lines[1] == "Deleted 1 files.\n"
    assert (old.exists(), young.exists(), other.exists(), code) == (False, True, True, 0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AIRFLOW__LOG_MAX_SIZE_BYTES", "1000"), ("AIRFLOW__LOG_RETENTION_DAYS", "a week")],
)
def test_the_groomer_refuses_what_it_does_not_honour(variable: str, value: str) -> None:
    done = run(IMAGES / "airflow/clean-logs", **{variable: value})
    print(done.stderr)
    assert done.returncode == 1
    assert value in done.stderr


def test_postgres_refuses_what_it_does_not_honour() -> None:
    done = run(IMAGES / "postgres/entrypoint", POSTGRES_INITDB_ARGS="--no-sync")
    print(done.stderr)
    assert done.returncode == 1
    assert "does not honour POSTGRES_INITDB_ARGS" in done.stderr


def test_the_git_server_does_not_start_without_a_password() -> None:
    done = run(IMAGES / "git-server/git-server", GITSYNC_USERNAME="dags")
    print(done.stderr)
    assert done.returncode == 1
    assert "GITSYNC_PASSWORD" in done.stderr
