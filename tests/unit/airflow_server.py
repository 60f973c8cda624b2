"""An HTTP server that answers as Airflow's API does."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


class Server(ThreadingHTTPServer):
    """Answers each request with the next of its answers for that method and path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.seen: list[tuple[str, Any, str]] = []

    @property
    def address(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Hands requests to its server's answers."""

    server: Server

    def answer(self) -> None:
        """Note the request and send the next answer for it."""
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or "null")
        call = f"{self.command} {self.path}"
        self.server.seen.append((call, body, self.headers.get("Authorization", "")))
        answers = self.server.answers.get(call, [(404, {"detail": "nothing here"})])
        status, found = answers.pop(0) if len(answers) > 1 else answers[0]
        data = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 -- http.server's names

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""
