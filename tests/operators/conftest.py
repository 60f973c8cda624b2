"""A listener for the metrics that the package sends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Metrics:
    """What a StatsD server would have got so far."""

    listener: socket.socket
    seen: list[str] = field(default_factory=list)

    def lines(self, name: str) -> list[str]:
        """The packets about a metric, such as `airflow.updraft.circuit.opened,source=shop:1|c`."""
        while True:
            try:
                self.seen.append(self.listener.recv(4096).decode())
            except BlockingIOError:
                return [line for line in self.seen if line.startswith(f"airflow.{name}")]


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metrics]:
    from updraft import metrics  # noqa: PLC0415 -- imports Airflow

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        options = {
            "STATSD_ON": "True", "STATSD_HOST": "127.0.0.1", "LEGACY_NAMES_ON": "False",
            "STATSD_PORT": str(listener.getsockname()[1]), "STATSD_INFLUXDB_ENABLED": "True",
            "STATSD_DISABLED_TAGS": "job_id,run_id,dagrun_id",
        }  # fmt: skip
        with monkeypatch.context() as patch:
            for name, value in options.items():
                patch.setenv(f"AIRFLOW__METRICS__{name}", value)
            metrics.initialize()
            yield Metrics(listener)
        metrics.initialize()
