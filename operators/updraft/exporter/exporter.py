"""Asks the database and the API server in turn, and keeps what Prometheus is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException
from urllib.request import Request, urlopen

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from updraft.exporter.database import PATIENCE, Database
from updraft.exporter.families import families, single
from updraft.exporter.log import error
from updraft.exporter.starts import Starts

VERSION = "/api/v2/version"


def answers(api_url: str) -> bool:
    """Whether Airflow's API server answers in time."""
    request = Request(api_url.rstrip("/") + VERSION)  # noqa: S310 -- an address of the settings
    try:
        with urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
            return bool(response.status == HTTPStatus.OK)
    except (OSError, HTTPException) as fault:
        error("the API server does not answer", fault)
        return False


class Exporter(Collector):
    """What Prometheus is shown: the latest poll's, whole, or nothing of it.

    Args:
        database: The metadata database.
        api_url: Address of the API server with its path; empty for none.

    Example:
        >>> exporter = Exporter(Database("postgresql://127.0.0.1:1/airflow"))
        >>> exporter.poll()
        {"timestamp": ..., "event": "the metadata database does not answer", ...}
        >>> [(metric.name, metric.samples[0].value) for metric in exporter.collect()][:1]
        [('updraft_database_up', 0.0)]
    """

    def __init__(self, database: Database, api_url: str = "") -> None:
        self.registry = CollectorRegistry()
        self._database, self._api_url = database, api_url
        self._starts = Starts(self.registry)
        self._shown: list[Metric] = []
        self.polled = time.monotonic()
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the latest poll."""
        yield from self._shown

    def poll(self) -> None:
        """Ask everything once."""
        began = time.monotonic()
        found = self._database.read()
        if found is not None:
            self._count_starts()
        shown = families(found or {})
        shown.append(
            single(
                "database_up",
                "Whether the metadata database answers.",
                float(found is not None),
            )
        )
        if self._api_url:
            up = float(answers(self._api_url))
            shown.append(single("api_server_up", "Whether Airflow's API server answers.", up))
        self.polled = time.monotonic()
        took = self.polled - began
        shown.append(single("exporter_poll_seconds", "How long the latest poll took.", took))
        self._shown = shown

    def _count_starts(self) -> None:
        found = self._database.starts(self._starts.since)
        if found:
            self._starts.count(*found)
