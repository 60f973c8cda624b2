"""What the tests ask Prometheus, Alertmanager and Loki on the cluster."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from infra.cli.platform import Platform
from infra.errors import UpdraftError
from infra.values import names
from monitoring import dashboards, ports
from monitoring.dashboards.substitute import DEFAULTS, variables
from tests.cluster import receiver
from tests.waiting import wait_for

Series = dict[str, Any]
ALERTS = "alerts-receiver"
# Of the tests, in hours.
LONGEST = 3
# In seconds; what lasts for one evaluation of the rules is there for 15.
STEP = 5
# Waits and windows are a twentieth of the shipped ones; alerts go to a receiver of the tests' own.
SETTINGS = (
    "monitoring.alerts.timeScale=0.05",
    f"monitoring.alerts.receivers.webhook.url={receiver.address('airflow', ALERTS)}",
    "monitoring.alerts.receivers.webhook.severities=[page,ticket,watchdog]",
    "monitoring.cost.teams.tests=chatty|faulty|late",
)


@dataclass(frozen=True)
class Watch:
    """The servers that watch, asked through the cluster's API: it finds their pods by itself.

    Args:
        platform: Whose.
        fired: The alerts that were waited for, and fired.
        ended: Those of them whose fault has ended, and when by the monotonic clock.
        resolved: Those of them that were seen to resolve since.
    """

    platform: Platform
    fired: set[str] = field(default_factory=set)
    ended: dict[str, float] = field(default_factory=dict)
    resolved: set[str] = field(default_factory=set)

    def get(self, server: str, path: str, **parameters: str) -> Any:
        """The JSON that a server answers with."""
        space = self.platform.settings.namespaces.monitoring
        proxy = f"/api/v1/namespaces/{space}/services/{server}:{ports.HTTP[server]}/proxy"
        query = urllib.parse.urlencode(parameters)
        return json.loads(self.platform.kubectl.run("get", "--raw", f"{proxy}{path}?{query}"))

    def query(self, expression: str) -> list[Series]:
        """The series of an instant query."""
        found = self.get(names.PROMETHEUS, "/api/v1/query", query=expression)
        result: list[Series] = found["data"]["result"]
        return result

    def value(self, expression: str) -> float | None:
        """The value of a query of one series; None where there is none."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        found = self.query('ALERTS{alertstate="firing"}')
        # A budget's tickets look back for days: its pages are what can end here.
        pages = {
            each["metric"]["alertname"]
            for each in found
            if each["metric"]["area"] != "slo" or each["metric"]["severity"] == "page"
        }
        for name in self.ended.keys() - pages:
            took = time.monotonic() - self.ended.pop(name)
            print(f"{name} resolved, {took:.0f} s after its fault")
            self.resolved.add(name)
        return {each["metric"]["alertname"] for each in found}

    def wait_firing(
        self, *alerts: str, timeout: float = 300, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Wait until all of these have fired, and do something at each look."""
        seen: set[str] = set()
        began = time.monotonic()

        def fires() -> bool:
            meanwhile()
            new = self.firing() - seen
            seen.update(new)
            if new:
                print(f"{time.monotonic() - began:.0f} s: {', '.join(sorted(new))}")
            return seen >= set(alerts)

        wait_for(fires, timeout, f"{', '.join(alerts)} to fire")
        self.fired.update(alerts)

    def end(self, *alerts: str) -> None:
        """Note that the fault of alerts that fired has ended: they are to resolve, later."""
        assert self.fired >= set(alerts), f"never fired: {set(alerts) - self.fired}"
        self.ended.update(dict.fromkeys(set(alerts) - self.resolved, time.monotonic()))

    def wait_resolved(self, *alerts: str, timeout: float = 420) -> None:
        """Wait until each of these has been seen not to fire, its fault at an end."""
        self.end(*alerts)

        def resolved() -> bool:
            self.firing()
            return self.resolved >= set(alerts)

        wait_for(resolved, timeout, f"{', '.join(alerts)} to resolve")

    def lines(self, selector: str, limit: int = 5000, **parameters: str) -> list[tuple[str, str]]:
        """The lines of a log query with their times in nanoseconds, oldest first."""
        found = self.get(
            names.LOKI, "/loki/api/v1/query_range",
            query=selector, limit=str(limit), direction="forward", since="24h", **parameters,
        )  # fmt: skip
        values = [tuple(value[:2]) for each in found["data"]["result"] for value in each["values"]]
        return sorted(values)

    def labelled_lines(self, selector: str, limit: int = 5000) -> list[tuple[int, str, Series]]:
        """The lines of a log query in pages, each with its time in nanoseconds and its labels."""
        found: dict[tuple[int, str, str], Series] = {}
        start = time.time_ns() - 24 * 3600 * 10**9
        while True:
            answer = self.get(
                names.LOKI, "/loki/api/v1/query_range",
                query=selector, limit=str(limit), direction="forward",
                start=str(start), end=str(time.time_ns()),
            )["data"]["result"]  # fmt: skip
            page = {
                (int(moment), line, json.dumps(each["stream"], sort_keys=True)): each["stream"]
                for each in answer
                for moment, line in each["values"]
            }
            if not page.keys() - found.keys():
                return [(moment, line, labels) for (moment, line, _), labels in found.items()]
            found |= page
            start = max(moment for moment, _, _ in page)

    def finds(self, query: dashboards.Query) -> bool:
        """Whether a dashboard's query finds anything since the tests began, with all chosen."""
        chosen = {
            name: "" if name in {"run_id", "search"} else ".*" for name in variables(query.expr)
        }
        since = {"__range": f"{LONGEST}h", "__range_s": str(LONGEST * 3600)}
        expression = dashboards.substitute(query.expr, {**chosen, **DEFAULTS, **since})
        server, path = {
            "prometheus": (names.PROMETHEUS, "/api/v1/query"),
            "loki": (names.LOKI, "/loki/api/v1/query"),
        }[query.datasource]
        now = time.time()
        times = {"start": str(now - LONGEST * 3600), "end": str(now), "step": str(STEP)}
        if query.instant:
            found = self.get(server, path, query=expression)
        else:
            found = self.get(server, f"{path}_range", query=expression, **times)
        return bool(found["data"]["result"])

    def count(self, selector: str, over: str = "24h") -> int:
        """How many lines a log query has."""
        query = f"sum(count_over_time({selector}[{over}]))"
        found = self.get(names.LOKI, "/loki/api/v1/query", query=query)["data"]["result"]
        return int(found[0]["value"][1]) if found else 0

    def streams(self) -> int:
        """How many streams Loki has."""
        matching = {"match[]": '{service_name=~".+"}'}
        return len(self.get(names.LOKI, "/loki/api/v1/series", **matching)["data"])


def told(platform: Platform, alert: str, status: str = "firing") -> int:
    """How many messages of an alert have reached the receiver."""
    return sum(
        each["labels"]["alertname"] == alert and each["status"] == status
        for message in receiver.received(platform, ALERTS)
        for each in message["alerts"]
    )


def chatted(run_id: str) -> str:
    """The log query for what a run of chatty printed."""
    return f'{{k8s_namespace_name="airflow-tasks"}} | run_id="{run_id}" |= "chatty "'


@contextmanager
def scaled_down(platform: Platform, namespace: str, *workloads: str) -> Iterator[None]:
    """Have no pod of these workloads (deployment/x) while the block runs; they are back after."""
    where = ("-n", namespace)
    for workload in workloads:
        platform.kubectl.run("scale", workload, "--replicas=0", *where)
    try:
        yield
    finally:
        for workload in workloads:
            platform.kubectl.run("scale", workload, "--replicas=1", *where)
        for workload in workloads:
            wait_for(lambda at=workload: _ready(platform, at, where), 240, f"{workload} again")  # type: ignore[misc]


def _ready(platform: Platform, workload: str, where: tuple[str, str]) -> bool:
    try:
        return bool(platform.kubectl.json("get", workload, *where)["status"].get("readyReplicas"))
    except UpdraftError:
        return False  # the database below the API server is back before it is
