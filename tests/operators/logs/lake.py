"""A real Loki that the tests fill with a task's lines, by the labels that the collector gives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.request import Request, urlopen

from tests.monitoring.logs.pipeline import Server

LABELS = {
    "k8s_namespace_name": "airflow-tasks", "k8s_container_name": "base",
    "service_name": "worker", "component": "worker",
}  # fmt: skip


@dataclass
class Lake:
    """Loki and its address."""

    server: Server
    url: str

    def push(
        self, ids: Mapping[str, str], lines: Sequence[tuple[int, str]], container: str = "base"
    ) -> None:
        """Have Loki take lines with their times in nanoseconds."""
        metadata = {**ids, "k8s_pod_uid": f"{ids['run_id']} {ids['try_number']}"}
        for at in range(0, len(lines), 10_000):
            values = [[str(time), text, metadata] for time, text in lines[at : at + 10_000]]
            labels = LABELS | {"k8s_container_name": container}
            body = {"streams": [{"stream": labels, "values": values}]}
            request = Request(  # noqa: S310 -- http on loopback
                f"{self.url}/loki/api/v1/push", json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )  # fmt: skip
            with urlopen(request, timeout=60) as answer:  # noqa: S310 -- as above
                assert answer.status == 204


def ids(**known: str) -> dict[str, str]:
    """A try's ids, those of a task that is not mapped where nothing else is said."""
    return {"dag_id": "d", "task_id": "t", "run_id": "r", "try_number": "1", "map_index": "-1",
            **known}  # fmt: skip


def events(lines: Iterable[str]) -> list[str]:
    """The events of a log's lines."""
    return [json.loads(line)["event"] for line in lines]
