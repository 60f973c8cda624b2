"""The command: polls at an interval and serves /metrics and /healthz until it is told to end."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, disable_created_metrics, generate_latest

from updraft.exporter.database import PATIENCE, Database
from updraft.exporter.exporter import Exporter
from updraft.exporter.log import error, info

VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


class _Server(ThreadingHTTPServer):
    """Serves what an exporter has.

    Args:
        port: Where; 0 for a free one.
        exporter: Whose metrics.
        patience: Seconds without a poll after which it is not healthy.
    """

    daemon_threads = True

    def __init__(self, port: int, exporter: Exporter, patience: float) -> None:
        self.exporter, self.patience = exporter, patience
        super().__init__(("", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """Answers Prometheus and the kubelet."""

    server: _Server

    def do_GET(self) -> None:
        """Answer /metrics and /healthz."""
        if self.path.partition("?")[0] == "/metrics":
            body = generate_latest(self.server.exporter.registry)
            self._answer(HTTPStatus.OK, body, CONTENT_TYPE_LATEST)
        elif self.path == "/healthz":
            age = time.monotonic() - self.server.exporter.polled
            well = age < self.server.patience
            status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, f"the latest poll was {age:.0f} s ago\n".encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"/metrics, /healthz\n")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's
        """Keep the log for what goes wrong."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m updraft.exporter", description=__doc__)
    made.add_argument("--port", type=int, default=9180, help="where it serves (9180)")
    made.add_argument("--interval", type=float, default=15, help="seconds between polls (15)")
    made.add_argument("--api-url", default="", help="address of the API server with its path")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or Ctrl-C; return 2 where no database is named."""
    options = parser().parse_args(arguments)
    uri = os.environ.get(VARIABLE, "")
    if not uri.startswith("postgres"):
        error(
            "no metadata database to read",
            ValueError(f"{VARIABLE} has to be a postgresql:// address"),
        )
        return 2
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    # When a series began is a series more for each, which nothing reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    database = Database(uri)
    exporter = Exporter(database, options.api_url)
    # A poll may have to wait for a connection and for the API server.
    patience = options.interval + 10 * PATIENCE
    with _Server(options.port, exporter, patience) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        info("serving", port=str(server.server_port), interval=str(options.interval))
        _poll(exporter, options.interval, ended)
        server.shutdown()
    database.close()
    return 0


def _poll(exporter: Exporter, interval: float, ended: threading.Event) -> None:
    """Poll until the end, at the same beat however long a poll takes."""
    due = time.monotonic()
    while not ended.is_set():
        exporter.poll()
        now = time.monotonic()
        due = max(due + interval, now)
        ended.wait(due - now)
