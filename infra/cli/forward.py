"""Reach a Service of the cluster from this machine, through the API server, for a while."""

from __future__ import annotations

import re
import selectors
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from infra.errors import UpdraftError
from infra.kubectl import Kubectl

LISTENING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@contextmanager
def forwarded(
    kubectl: Kubectl, namespace: str, target: str, port: int, timeout: float = 60
) -> Iterator[int]:
    """Forward a free local port to a Service while the block runs.

    Args:
        kubectl: The cluster.
        namespace: The Service's namespace.
        target: Such as service/git.
        port: The Service's port.
        timeout: Seconds for the Service to have a running pod.

    Yields:
        The local port on 127.0.0.1.

    Raises:
        UpdraftError: The forwarding didn't begin in time.
    """
    deadline = time.monotonic() + timeout
    command = kubectl.command("port-forward", "-n", namespace, target, f":{port}")
    while True:
        process = subprocess.Popen(
            command,
            env=kubectl.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            said = _first_line(process, deadline)
            if found := LISTENING.search(said):
                yield int(found[1])
                return
        finally:
            process.terminate()
            process.wait()
        if time.monotonic() > deadline:
            raise UpdraftError(
                f"{target} can't be reached: {said.strip() or 'no answer'}",
                where=f"namespace {namespace}, context {kubectl.context}",
                fix="make status shows whether its pod runs",
            )
        time.sleep(1)  # no pod behind the Service yet


def _first_line(process: subprocess.Popen[str], deadline: float) -> str:
    """The first line that kubectl says, or nothing when it says none by the deadline."""
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(max(deadline - time.monotonic(), 1)):
            return ""
    return process.stdout.readline()
