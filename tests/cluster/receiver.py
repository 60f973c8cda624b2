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


def address(namespace: str, name: str = NAME) -> str:
    """Where a receiver listens, whether it runs or not."""
    return f"http://{name}.{namespace}.svc.cluster.local:{PORT}/hook"


@contextmanager
def running(platform: Platform, name: str = NAME) -> Iterator[str]:
    """Run a receiver while the block runs; its address."""
    image = platform.settings.image
    amounts = {"cpu": "100m", "memory": "64Mi"}
    metadata = {"name": name, "namespace": platform.namespace, "labels": {"app": name}}
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": security.pod(),
        "containers": [
            {
                "name": name,
                "image": f"{image.repository}:{image.tag}",
                "imagePullPolicy": image.pull_policy,
                "command": ["python", "-c", PROGRAM],
                "securityContext": security.container(),
                "resources": {"requests": amounts, "limits": amounts},
                "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
            }
        ],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": metadata["labels"], "ports": [{"port": PORT}]},
    }
    platform.kubectl.apply([service, pod])
    try:
        wait_for(lambda: _ready(platform, name), 60, "the receiver")
        yield address(platform.namespace, name)
    finally:
        where = ("-n", platform.namespace, "--grace-period=0", "--force")
        platform.kubectl.run("delete", "pod,service", name, *where)


def _ready(platform: Platform, name: str) -> bool:
    status = platform.kubectl.json("get", "pod", name, "-n", platform.namespace)["status"]
    return [each["ready"] for each in status.get("containerStatuses", [])] == [True]


def received(platform: Platform, name: str = NAME) -> list[dict[str, Any]]:
    """The messages so far."""
    text = platform.kubectl.run("logs", name, "-n", platform.namespace)
    return [json.loads(line) for line in text.splitlines() if line.strip()]
