"""A receiver of Alertmanager's webhooks, and alerts to send, each with its shipped labels."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from monitoring.options import Options
from monitoring.rules import sources
from monitoring.rules.model import Alert

OPTIONS = Options(time_scale=0.01)
RULES = [rule for group in sources(OPTIONS) for rule in group.rules if isinstance(rule, Alert)]


class Mailbox:
    """The messages that came, in order."""

    def __init__(self) -> None:
        self.url = ""
        self._messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def put(self, message: dict[str, Any]) -> None:
        """Keep a message."""
        with self._lock:
            self._messages.append(message)

    def messages(
        self, receiver: str, name: str = "", status: str = "firing"
    ) -> list[dict[str, Any]]:
        """Return the messages of a receiver, about one alert where it is named."""
        with self._lock:
            return [
                message
                for message in self._messages
                if message["receiver"] == receiver
                and message["status"] == status
                and name in {"", message["groupLabels"]["alertname"]}
            ]

    def told(self) -> set[tuple[str, str]]:
        """Return each receiver with each alert that it was told of."""
        with self._lock:
            return {
                (message["receiver"], alert["labels"]["alertname"])
                for message in self._messages
                for alert in message["alerts"]
            }


@contextlib.contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Serve a mailbox on loopback."""
    box = Mailbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            box.put(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def alert(name: str, *, ended: bool = False, severity: str = "", **labels: str) -> dict[str, Any]:
    """Return an alert as Prometheus sends it.

    Args:
        name: Of a shipped alert.
        ended: Whether it is no more.
        severity: Which of its rules, where there are several.
        labels: Of its series.
    """
    shipped = next(
        rule for rule in RULES if rule.name == name and severity in {"", rule.severity}
    ).rule(OPTIONS)
    now = datetime.now(UTC)
    return {
        "labels": {
            "alertname": name,
            "cluster": OPTIONS.cluster,
            **{key: value for key, value in shipped["labels"].items() if value},
            **labels,
        },
        "annotations": dict.fromkeys(shipped["annotations"], "said"),
        "startsAt": (now - timedelta(minutes=5)).isoformat(),
        "endsAt": (now + timedelta(minutes=-1 if ended else 30)).isoformat(),
    }


def send(url: str, *alerts: dict[str, Any]) -> None:
    """Send alerts to Alertmanager."""
    answer = httpx.post(f"{url}/api/v2/alerts", json=list(alerts), trust_env=False)
    assert answer.is_success, answer.text


def shown(url: str) -> dict[str, dict[str, Any]]:
    """Return what Alertmanager shows, by the alerts' names."""
    answer = httpx.get(f"{url}/api/v2/alerts", trust_env=False)
    return {each["labels"]["alertname"]: each for each in answer.json()}
