"""A real Prometheus with a day of samples, and a real Alertmanager with alerts that fire."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.operators.platform import samples
from tests.waiting import wait_for


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def process(command: list[str], url: str, log: Path, patience: float = 30) -> Iterator[None]:
    """Run a server for the block, once its address answers."""

    def answers() -> bool:
        assert running.poll() is None, log.read_text()[-2000:]
        try:
            return httpx.get(url).is_success
        except httpx.TransportError:
            return False

    with log.open("w") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            wait_for(answers, patience, f"{url}; see {log}")
            yield
        finally:
            running.terminate()
            running.wait(30)


@dataclass(frozen=True)
class Prometheus:
    """A running one, and where it notes each question."""

    url: str
    questions: Path

    def asked(self) -> list[str]:
        """The queries so far."""
        if not self.questions.exists():
            return []
        lines = self.questions.read_text().splitlines()
        return [json.loads(line)["params"]["query"] for line in lines]


@contextmanager
def prometheus(server: Path, promtool: Path, folder: Path) -> Iterator[Prometheus]:
    """Run one that knows the last day."""
    text, data = folder / "day.txt", folder / "data"
    with text.open("w") as file:
        file.writelines(samples.day().text(int(time.time())))
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", text, data],
        check=True, capture_output=True,
    )  # fmt: skip
    questions, config = folder / "questions.log", folder / "prometheus.yml"
    config.write_text(f"global: {{query_log_file: {questions}}}\n")
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        *(str(server), f"--config.file={config}", f"--storage.tsdb.path={data}"),
        *("--storage.tsdb.retention.time=60d", f"--web.listen-address={url[7:]}"),
    ]
    with process(command, f"{url}/-/ready", folder / "prometheus.log"):
        yield Prometheus(url, questions)


@contextmanager
def alertmanager(server: Path, folder: Path) -> Iterator[str]:
    """Run one without receivers, in which alerts fire; yield its address."""
    config = folder / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        *(str(server), f"--config.file={config}", f"--storage.path={folder / 'alerts'}"),
        *(f"--web.listen-address={url[7:]}", "--cluster.listen-address="),
    ]
    with process(command, f"{url}/-/ready", folder / "alertmanager.log"):
        httpx.post(f"{url}/api/v2/alerts", json=firing()).raise_for_status()
        wait_for(lambda: len(httpx.get(f"{url}/api/v2/alerts").json()) == 4, 10, "the alerts")
        yield url


def firing() -> list[dict[str, object]]:
    """The alerts: of the platform, of a DAG, of a DAG that hardly anybody reads, the Watchdog."""
    began = datetime.now(UTC) - timedelta(minutes=12)
    book = "https://updraft.example.com/docs/runbooks"
    alerts = [
        ("QuotaNearlyFull", "warning", "Task pods hold 93 % of the quota of pods", "", book),
        ("TaskFailures", "critical", "8 % of billing's tasks failed <b>today</b>", "billing", book),
        ("DeadlineMissed", "warning", "payroll is late", "payroll", "javascript:alert(1)//"),
        ("Watchdog", "none", "Alerting works", "", book),
    ]
    return [
        {
            "labels": {
                "alertname": name, "severity": severity, **({"dag_id": dag} if dag else {}),
            },
            "annotations": {"summary": summary, "runbook_url": f"{runbooks}/{name}.md"},
            "startsAt": began.isoformat(),
            "endsAt": (began + timedelta(hours=8)).isoformat(),
        }
        for name, severity, summary, dag, runbooks in alerts
    ]  # fmt: skip
