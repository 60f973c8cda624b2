"""A real statsd_exporter, Airflow's own client to send to it, and a real Loki, as shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from monitoring import loki as storing
from monitoring import statsd
from monitoring.options import Options
from tests.monitoring import servers
from tests.monitoring.servers import serve
from tests.render.apiserver import free_ports


@dataclass(frozen=True)
class Exporter:
    """A running statsd_exporter."""

    url: str
    udp: int

    def families(self) -> dict[str, Metric]:
        """What it exposes now, by name."""
        text = httpx.get(f"{self.url}/metrics", trust_env=False).text
        return {family.name: family for family in text_string_to_metric_families(text)}


@pytest.fixture(scope="module")
def loki(tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Loki with the shipped configuration, of a module alone; its address."""
    folder = tmp_path_factory.mktemp("loki")
    config = folder / "loki.yaml"
    config.write_text(yaml.safe_dump(storing.config(Options(), storage=str(folder / "data"))))
    with servers.loki(tool("loki"), folder, config) as url:
        yield url


@pytest.fixture
def exporter(tool: Callable[[str], Path], tmp_path: Path) -> Iterator[Exporter]:
    """A statsd_exporter of this test alone."""
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(yaml.safe_dump(statsd.mapping(Options()), sort_keys=False))
    http, udp = free_ports(2)
    url = f"http://127.0.0.1:{http}"
    command = [
        tool("statsd_exporter"),
        f"--statsd.mapping-config={mapping}",
        f"--web.listen-address=127.0.0.1:{http}",
        f"--statsd.listen-udp=127.0.0.1:{udp}",
        *statsd.ARGUMENTS,
    ]
    with serve(command, f"{url}/-/ready", tmp_path / "statsd_exporter.log"):
        yield Exporter(url, udp)


@pytest.fixture
def sending(
    exporter: Exporter,
    own_airflow: None,  # noqa: ARG001 -- before
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Let Airflow's metrics, of the core and of the SDK, go to the exporter as on the platform."""
    from airflow._shared.observability.metrics import stats as core  # noqa: PLC0415
    from airflow.observability.metrics import stats_utils  # noqa: PLC0415

    from updraft import metrics  # noqa: PLC0415 -- imports Airflow

    def initialize() -> None:
        metrics.initialize()
        core.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)

    with monkeypatch.context() as patch:
        options = {**statsd.AIRFLOW, "statsd_host": "127.0.0.1", "statsd_port": str(exporter.udp)}
        for name, value in options.items():
            patch.setenv(f"AIRFLOW__METRICS__{name.upper()}", value)
        initialize()
        yield
    initialize()
