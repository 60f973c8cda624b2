"""A source that answers as a test wants, and variables for many threads."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

Answer = tuple[int, dict[str, str]]


@dataclass
class Source:
    """A real HTTP server on loopback: what it was sent, and what it answers."""

    url: str
    # What it answers from now on: a status and headers, the n-th request given; None hangs up.
    answer: Callable[[int], Answer | None] = lambda _: (200, {})
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        """How many came."""
        return len(self.bodies)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What came, from JSON."""
        return [json.loads(body) for body in self.bodies]

    def asked(self, body: bytes, headers: dict[str, str]) -> Answer | None:
        """Keep a request, and return what to answer."""
        with self._lock:
            self.bodies.append(body)
            self.headers.append(headers)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            number = len(self.bodies)
        try:
            return self.answer(number)
        finally:
            with self._lock:
                self._now -= 1


class Server(ThreadingHTTPServer):
    """A thread for each request."""

    daemon_threads = True
    request_queue_size = 64
    source: Source


class Handler(BaseHTTPRequestHandler):
    """Answers what the source says."""

    server: Server

    def do_POST(self) -> None:
        """Answer a POST, or a GET."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = self.server.source.asked(body, dict(self.headers))
        if found is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(found[0])
        for name, value in found[1].items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 -- http.server's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's
        """Keep the tests' output for what they found."""


@pytest.fixture
def source() -> Iterator[Source]:
    server = Server(("127.0.0.1", 0), Handler)
    server.source = Source(f"http://127.0.0.1:{server.server_port}/hook/a-secret-path")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.source
    server.shutdown()
    server.server_close()


# The execution API in a process of its own, as on the platform.
SERVE = """
import socket, sys, uvicorn
from airflow.api_fastapi.execution_api.app import create_task_execution_api_app
listener = socket.socket(fileno=int(sys.argv[1]))
config = uvicorn.Config(create_task_execution_api_app(), log_level="warning")
uvicorn.Server(config).run(sockets=[listener])
"""


@dataclass(frozen=True, slots=True)
class ExecutionApi:
    """Where it is, and a token as a task has it."""

    url: str
    token: str


@pytest.fixture(scope="session")
def execution_api(own_airflow: None) -> Iterator[ExecutionApi]:  # noqa: ARG001 -- before
    from airflow.api_fastapi.auth.tokens import JWTGenerator  # noqa: PLC0415 -- imports Airflow

    from updraft.testing.metadata import session  # noqa: PLC0415 -- imports Airflow

    with session():
        pass
    secret = token_hex(32)
    generator = JWTGenerator(
        secret_key=secret, valid_for=600, audience="urn:airflow.apache.org:task", algorithm="HS512"
    )
    token = generator.generate(extras={"sub": str(uuid4()), "scope": "execution"})
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        number = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(number)],
            pass_fds=[number],
            env={**os.environ, "AIRFLOW__API_AUTH__JWT_SECRET": secret},
        )
        try:
            yield ExecutionApi(f"http://127.0.0.1:{listener.getsockname()[1]}/", token)
        finally:
            process.terminate()
            process.wait(20)


class ApiComms:
    """What the supervisors of many task processes do, each thread here being one of them."""

    def __init__(self, api: ExecutionApi) -> None:
        self._api, self._threads = api, threading.local()
        self.count = 0

    def send(self, message: Any) -> Any:
        """Ask the API, and return its response."""
        from airflow.sdk.api.client import Client, ServerResponseError  # noqa: PLC0415
        from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType  # noqa: PLC0415
        from airflow.sdk.execution_time import request_handlers as handlers  # noqa: PLC0415
        from airflow.sdk.execution_time.comms import ErrorResponse  # noqa: PLC0415

        if not hasattr(self._threads, "client"):
            self._threads.client = Client(base_url=self._api.url, token=self._api.token)
        self.count += 1
        handle: Any = {
            "GetVariableKeys": handlers.handle_get_variable_keys,
            "PutVariable": handlers.handle_put_variable,
            "DeleteVariable": handlers.handle_delete_variable,
        }[type(message).__name__]
        try:
            response, _ = handle(self._threads.client, message)
        except ServerResponseError as error:
            raise AirflowRuntimeError(
                ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"message": str(error)})
            ) from None
        return response


@pytest.fixture
def api(execution_api: ExecutionApi, monkeypatch: pytest.MonkeyPatch) -> ApiComms:
    """Let this process's threads be tasks; no variable of a circuit is left by another test."""
    from airflow.sdk import Variable  # noqa: PLC0415 -- imports Airflow
    from airflow.sdk.execution_time import task_runner  # noqa: PLC0415 -- heavy

    comms = ApiComms(execution_api)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)
    for key in Variable.keys("updraft_circuit."):
        Variable.delete(key)
    return comms


def relative(message: dict[str, Any]) -> list[str]:
    """The addresses in a message that nobody can follow who reads it outside of the UI."""
    told = [message.get("url"), *message.get("links", {}).values()]
    # In the text an address has a line for itself, or one with its name.
    told += re.findall(r"^(?:\w+: )?(/\S*)$", message["text"], re.MULTILINE)
    return [each for each in told if each and not re.match(r"https?://", each)]


@pytest.fixture
def webhook(source: Source, own_airflow: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:  # noqa: ARG001
    """The source as the platform's webhook: its connection is in the metadata database."""
    from airflow.models.connection import Connection  # noqa: PLC0415 -- imports Airflow

    from updraft.testing.metadata import session  # noqa: PLC0415 -- imports Airflow

    monkeypatch.setenv("AIRFLOW__UPDRAFT__NOTIFICATIONS_CONN_ID", "alerts")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://air.example.com/base/")
    with session() as opened:
        opened.add(Connection("alerts", "generic", password=source.url))
    yield source
    with session() as opened:
        for found in opened.scalars(select(Connection)):
            opened.delete(found)
    partial = [address for each in source.messages for address in relative(each)]
    print("relative addresses in messages:", partial)
    assert partial == []
