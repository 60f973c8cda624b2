"""A real Prometheus with a day of samples, and a real Alertmanager with alerts that fire."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.monitoring import servers
from tests.operators.platform import samples
from tests.waiting import wait_for


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
    with servers.prometheus(server, folder, config, data) as url:
        yield Prometheus(url, questions)


@contextmanager
def alertmanager(server: Path, folder: Path) -> Iterator[str]:
    """Run one without receivers, in which alerts fire; yield its address."""
    config = folder / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    with servers.alertmanager(server, folder, config) as url:
        httpx.post(f"{url}/api/v2/alerts", json=firing()).raise_for_status()
        wait_for(lambda: len(httpx.get(f"{url}/api/v2/alerts").json()) == 4, 10, "the alerts")
        yield url


def firing() -> list[dict[str, object]]:
    """The alerts: of the platform, of a DAG, of a DAG that hardly anybody reads, the Watchdog."""
    began = datetime.now(UTC) - timedelta(minutes=12)
    # The platform's own page, by another name than the tests ask Airflow by, and a company's.
    own = "https://airflow.example.com/platform/runbooks/AirflowQuotaNearlyFull.md"
    book = "https://books.example.com/TaskFailures.md"
    alerts = [
        ("QuotaNearlyFull", "warning", "Task pods hold 93 % of the quota of pods", "", own),
        ("TaskFailures", "critical", "8 % of billing's tasks failed today", "billing", book),
        ("DeadlineMissed", "warning", "payroll is late", "payroll", book),
        ("Watchdog", "none", "Alerting works", "", book),
    ]
    return [
        {
            "labels": {
                "alertname": name, "severity": severity, **({"dag_id": dag} if dag else {}),
            },
            "annotations": {"summary": summary, "runbook_url": runbook},
            "startsAt": began.isoformat(),
            "endsAt": (began + timedelta(hours=8)).isoformat(),
        }
        for name, severity, summary, dag, runbook in alerts
    ]  # fmt: skip
