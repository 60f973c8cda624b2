"""A webhook's receiver inside the cluster: a pod that prints what is posted to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from infra.cli.platform import Platform
from infra.values import security
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


@contextmanager
def running(platform: Platform) -> Iterator[str]:
    """Run the receiver while the block runs; its address."""
    image = platform.settings.image
    amounts = {"cpu": "100m", "memory": "64Mi"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "namespace": platform.namespace},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": security.pod(),
            "containers": [
                {
                    "name": NAME,
                    "image": f"{image.repository}:{image.tag}",
                    "imagePullPolicy": image.pull_policy,
                    "command": ["python", "-c", PROGRAM],
                    "securityContext": security.container(),
                    "resources": {"requests": amounts, "limits": amounts},
                    "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                }
            ],
        },
    }
    where = ("-n", platform.namespace)
    platform.kubectl.run("apply", "-f", "-", input=json.dumps(pod))
    try:
        yield f"http://{wait_for(lambda: _address(platform), 60, 'the receiver')}:{PORT}/hook"
    finally:
        platform.kubectl.run("delete", "pod", NAME, *where, "--grace-period=0", "--force")


def _address(platform: Platform) -> str:
    status = platform.kubectl.json("get", "pod", NAME, "-n", platform.namespace)["status"]
    ready = [each["ready"] for each in status.get("containerStatuses", [])] == [True]
    return str(status["podIP"]) if ready else ""


def received(platform: Platform) -> list[dict[str, Any]]:
    """The messages so far."""
    text = platform.kubectl.run("logs", NAME, "-n", platform.namespace)
    return [json.loads(line) for line in text.splitlines()]
