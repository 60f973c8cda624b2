"""The servers that watch a platform, each started on free ports of loopback and ended again."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import yaml

from tests.render.apiserver import free_ports
from tests.waiting import wait_for

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0


class Statsd(NamedTuple):
    """Where a statsd_exporter answers, and the UDP port that it listens on."""

    url: str
    port: int


@contextlib.contextmanager
def serve(
    command: Sequence[object], ready: str, log: Path, *, patience: float = PATIENCE
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server from when it is ready until the context ends.

    Args:
        command: Its program and arguments.
        ready: The address that answers 200 when it is.
        log: What it says goes there.
        patience: Seconds until it has to be ready.

    Raises:
        AssertionError: It ended, or was not ready in time; with what it said last.
    """
    with log.open("ab") as output:
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=output)

    def answers() -> bool:
        ended = process.poll()
        assert ended is None, f"{command[0]} ended with {ended}:\n{log.read_text()[-3000:]}"
        try:
            return httpx.get(ready, timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    try:
        wait_for(answers, patience, f"{ready}; see {log}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address() -> str:
    return f"{LOOPBACK}:{free_ports(1)[0]}"


@contextlib.contextmanager
def prometheus(
    program: Path, folder: Path, config: Path, data: Path | None = None
) -> Iterator[str]:
    """Run Prometheus.

    Args:
        program: It.
        folder: Where its log goes.
        config: Its configuration, which names the files of its rules.
        data: What it stores, such as blocks that promtool made; `folder`/data if not given.

    Yields:
        Its address.
    """
    address = _address()
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={data or folder / 'data'}",
        f"--web.listen-address={address}",
        "--web.enable-lifecycle",
    ]
    url = f"http://{address}"
    with serve([program, *arguments], f"{url}/-/ready", folder / "prometheus.log"):
        yield url


@contextlib.contextmanager
def alertmanager(program: Path, folder: Path, config: Path) -> Iterator[str]:
    """Run Alertmanager with a configuration, alone; yields its address."""
    address = _address()
    arguments = [
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    url = f"http://{address}"
    with serve([program, *arguments], f"{url}/-/ready", folder / "alertmanager.log"):
        yield url


@contextlib.contextmanager
def loki(program: Path, folder: Path, config: Path) -> Iterator[str]:
    """Run Loki with a configuration whose ports and addresses give way to loopback's.

    Yields:
        Its address.
    """
    http, grpc = free_ports(2)
    arguments = [
        f"-config.file={config}",
        f"-server.http-listen-address={LOOPBACK}",
        f"-server.http-listen-port={http}",
        f"-server.grpc-listen-address={LOOPBACK}",
        f"-server.grpc-listen-port={grpc}",
        # Else it is ready a quarter of a minute after it is.
        "-ingester.min-ready-duration=0s",
    ]
    url = f"http://{LOOPBACK}:{http}"
    with serve([program, *arguments], f"{url}/ready", folder / "loki.log"):
        yield url


@contextlib.contextmanager
def collector(program: Path, folder: Path, config: Path) -> Iterator[str]:
    """Run the collector with a configuration whose health and own metrics give way to loopback's.

    Yields:
        The address of its own metrics.
    """
    health, metrics = free_ports(2)
    reader = {"pull": {"exporter": {"prometheus": {"host": LOOPBACK, "port": metrics}}}}
    own = folder / "collector-on-loopback.yaml"
    own.write_text(
        yaml.safe_dump(
            {
                "extensions": {"health_check": {"endpoint": f"{LOOPBACK}:{health}"}},
                "service": {"telemetry": {"metrics": {"readers": [reader]}}},
            }
        )
    )
    command = [program, f"--config={config}", f"--config={own}"]
    with serve(command, f"http://{LOOPBACK}:{health}/", folder / "collector.log"):
        yield f"http://{LOOPBACK}:{metrics}/metrics"


@contextlib.contextmanager
def statsd_exporter(program: Path, folder: Path, mapping: Path) -> Iterator[Statsd]:
    """Run statsd_exporter with a mapping; yields where it answers and listens."""
    web, udp = free_ports(2)
    arguments = [
        f"--statsd.mapping-config={mapping}",
        f"--statsd.listen-udp={LOOPBACK}:{udp}",
        "--statsd.listen-tcp=",
        f"--web.listen-address={LOOPBACK}:{web}",
    ]
    url = f"http://{LOOPBACK}:{web}"
    with serve([program, *arguments], f"{url}/-/ready", folder / "statsd-exporter.log"):
        yield Statsd(url, udp)
