"""A webhook's receiver inside the cluster: a pod that prints what is posted to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from infra.cli.platform import Platform
from tests.cluster import objects
from tests.waiting import wait_for

NAME = "receiver"
PORT = 8000
PROGRAM = f"""
from http.server import BaseHTTPRequestHandler, HTTPServer

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

HTTPServer(("", {PORT}), Receiver).serve_forever()
"""


def address(namespace: str, name: str = NAME) -> str:
    """Where a receiver listens, whether it runs or not."""
    return f"http://{name}.{namespace}.svc.cluster.local:{PORT}/hook"


@contextmanager
def running(platform: Platform, name: str = NAME) -> Iterator[str]:
    """Run a receiver while the block runs; its address."""
    place = platform.namespace
    probe = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    pod = objects.pod(platform, name, place, program=PROGRAM, readinessProbe=probe)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": place},
        "spec": {"selector": pod["metadata"]["labels"], "ports": [{"port": PORT}]},
    }
    with objects.applied(platform, service, pod):
        wait_for(lambda: _ready(platform, name), 60, "the receiver")
        yield address(place, name)


def _ready(platform: Platform, name: str) -> bool:
    status = platform.kubectl.json("get", "pod", name, "-n", platform.namespace)["status"]
    return [each["ready"] for each in status.get("containerStatuses", [])] == [True]


def received(platform: Platform, name: str = NAME) -> list[dict[str, Any]]:
    """The messages so far."""
    text = platform.kubectl.run("logs", name, "-n", platform.namespace)
    return [json.loads(line) for line in text.splitlines() if line.strip()]
