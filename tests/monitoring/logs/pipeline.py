"""The real collector and the real Loki, on loopback, that can be killed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from monitoring import collector, loki
from monitoring.options import Options
from tests.monitoring.logs.node import NODE
from tests.render.apiserver import free_ports
from tests.waiting import wait_for


@dataclass
class Server:
    """A program that answers by HTTP."""

    command: list[str]
    ready: str
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )
        wait_for(self.answers, 90, f"{self.command[0]}; see {self.log}")

    def answers(self) -> bool:
        """Whether it is ready."""
        assert self.process
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            with urlopen(self.ready, timeout=5) as answer:  # noqa: S310 -- http on loopback
                return bool(answer.status == 200)
        except (URLError, ConnectionError, TimeoutError):
            return False

    def kill(self) -> None:
        """End it at once, without a word."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Ask it to end."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def cpu_seconds(self) -> float:
        """CPU time that it has used."""
        assert self.process
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Memory that it holds."""
        assert self.process
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def loki_server(binary: Path, folder: Path, options: Options | None = None) -> tuple[Server, str]:
    """Loki as it is deployed, but on loopback; its address too."""
    http, grpc = free_ports(2)
    made = loki.config(options or Options(), storage=str(folder / "loki"))
    made["server"] |= {
        "http_listen_address": "127.0.0.1",
        "http_listen_port": http,
        "grpc_listen_port": grpc,
    }
    file = folder / "loki.yaml"
    file.write_text(yaml.safe_dump(made, sort_keys=False))
    url = f"http://127.0.0.1:{http}"
    command = [str(binary), f"-config.file={file}"]
    return Server(command, f"{url}/ready", folder / "loki.log"), url


def collector_server(binary: Path, folder: Path, url: str, kubeconfig: Path) -> tuple[Server, str]:
    """The collector as it is deployed, but on loopback, over the node's folder `pods`.

    Returns:
        It, and the address of its own metrics.
    """
    health, metrics = free_ports(2)
    made: dict[str, Any] = collector.config(
        Options(),
        pod_logs=str(folder / "pods"),
        loki=url,
        storage=str(folder / "otelcol"),
        kubernetes="kubeConfig",
    )
    made["extensions"]["health_check"]["endpoint"] = f"127.0.0.1:{health}"
    reader = made["service"]["telemetry"]["metrics"]["readers"][0]
    reader["pull"]["exporter"]["prometheus"] |= {"host": "127.0.0.1", "port": metrics}
    file = folder / "collector.yaml"
    file.write_text(yaml.safe_dump(made, sort_keys=False))
    command = [str(binary), "--config", str(file), *collector.ARGUMENTS]
    environment = {"KUBECONFIG": str(kubeconfig), collector.NODE: NODE}
    health_url = f"http://127.0.0.1:{health}/"
    server = Server(command, health_url, folder / "collector.log", environment)
    return server, f"http://127.0.0.1:{metrics}/metrics"
