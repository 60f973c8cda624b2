"""The program as it is deployed: a process, a database that goes away, an API server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.operators.exporter.proxy import Proxy
from tests.operators.exporter.reading import Numbers, numbers
from tests.render.apiserver import free_ports
from tests.waiting import wait_for
from updraft.exporter import command
from updraft.exporter.database import Database as Asked
from updraft.exporter.exporter import Exporter, answers
from updraft.testing.binaries import Account
from updraft.testing.postgres import Database, running

OPERATORS = Path(command.__file__).parents[2]
VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


@dataclass
class Process:
    """A running exporter."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]]

    @property
    def url(self) -> str:
        """Where it serves."""
        served = wait_for(
            lambda: [line["port"] for line in self.lines if "port" in line], 20, "its port"
        )
        return f"http://127.0.0.1:{served[0]}"

    def numbers(self) -> Numbers:
        """What it shows."""
        return numbers(httpx.get(f"{self.url}/metrics").text)

    def becomes(self, name: str, value: float) -> Numbers:
        """Wait for a number, and return all that was shown with it."""
        found: list[Numbers] = []

        def there() -> bool:
            found.append(self.numbers())
            return found[-1].get(name) == {(): value}

        wait_for(there, 20, f"{name} {value}")
        return found[-1]


@contextmanager
def exporting(uri: str, *arguments: str) -> Iterator[Process]:
    process = subprocess.Popen(
        [sys.executable, "-m", "updraft.exporter", "--port=0", "--interval=0.3", *arguments],
        env={**os.environ, "PYTHONPATH": str(OPERATORS), VARIABLE: uri},
        stdout=subprocess.PIPE,
        text=True,
    )
    found = Process(process, [])

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            print(line, end="")
            found.lines.append(json.loads(line))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield found
    finally:
        process.terminate()
        assert process.wait(20) == 0
        reader.join(20)


class Api(BaseHTTPRequestHandler):
    """Answers as Airflow's API server does below a path."""

    def do_GET(self) -> None:
        """Answer the version, and nothing else."""
        self.send_response(200 if self.path == "/air/api/v2/version" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's
        """Keep the tests' output for what they found."""


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that a server's user can write to, for databases that outlive a server."""
    made = Account.able().folder()
    yield made / "data"
    shutil.rmtree(made)


def test_a_database_that_goes_takes_its_metrics_with_it_and_brings_them_back(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as first:
        server = first.enter_context(running(data))
        port = listener.getsockname()[1]
        uri = server.uri().replace(f":{server.port}/", f":{port}/")
        with Proxy(listener, server.port) as between, exporting(uri) as exporter:
            before = exporter.becomes("updraft_database_up", 1)
            assert not [name for name in before if name.endswith("_created")]
            # None of Airflow's tables are here: what PostgreSQL itself knows is told all the same.
            assert "updraft_database_size_bytes" in before
            assert "updraft_dags" not in before
            first.close()
            without = exporter.becomes("updraft_database_up", 0)
            assert not [name for name in without if name.startswith("updraft_database_size")]
            assert httpx.get(f"{exporter.url}/healthz").status_code == 200
            with running(data) as again:
                between.port = again.port
                after = exporter.becomes("updraft_database_up", 1)
                assert "updraft_database_size_bytes" in after
        told = [line for line in exporter.lines if line["level"] == "error"]
        assert {line["event"] for line in told} >= {"the metadata database does not answer"}
        assert "UndefinedTable" in {line["error"] for line in told}
        assert not [line for line in told if server.password in str(line)]


def test_an_api_server_that_is_not_there_is_down(postgres_database: Database) -> None:
    with exporting(postgres_database.uri, "--api-url=http://127.0.0.1:1") as exporter:
        found = exporter.becomes("updraft_api_server_up", 0)
        assert found["updraft_database_up"][()] == 1
        assert httpx.get(f"{exporter.url}/nothing").status_code == 404


def test_it_is_small_and_imports_nothing_of_airflow() -> None:
    code = (
        "import updraft.exporter.command, sys;"
        "print(*[name for name in sys.modules if name.split('.')[0] == 'airflow']);"
        "print(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(OPERATORS)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported, resident = done.stdout.splitlines()
    print(resident, "KiB")
    assert not imported
    assert int(resident) < 60 * 1024


def test_it_refuses_to_start_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "sqlite:////tmp/airflow.db")
    assert command.main([]) == 2


def test_it_serves_until_it_is_told_to_end(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, postgres_database.uri)
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    answered: list[int] = []

    def serves() -> bool:
        try:
            return "updraft_database_up 1" in httpx.get(f"{url}/metrics").text
        except httpx.TransportError:
            return False

    def ask() -> None:
        try:
            wait_for(serves, 20, url)
            answered.extend(httpx.get(url + path).status_code for path in ("/healthz", "/other"))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    asking = threading.Thread(target=ask)
    # It must not end pytest, should it come before the command has its own.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asking.start()
    try:
        assert command.main(["--port", str(port), "--interval", "0.2"]) == 0
    finally:
        asking.join(30)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert answered == [200, 404]
    assert '"serving"' in capsys.readouterr().out


def test_an_exporter_that_polls_no_more_is_not_healthy(postgres_database: Database) -> None:
    exporter = Exporter(Asked(postgres_database.uri))
    with command._Server(0, exporter, patience=60) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/healthz"
        assert httpx.get(url).status_code == 200
        exporter.polled -= 61
        assert httpx.get(url).status_code == 503
        server.shutdown()


def test_only_an_api_server_that_answers_well_is_up() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        threading.Thread(target=api.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{api.server_port}"
        assert [answers(address + path) for path in ("/air", "/air/", "/other")] == [
            True, True, False,
        ]  # fmt: skip
        api.shutdown()
