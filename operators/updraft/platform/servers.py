"""Asks Prometheus and Alertmanager, a fixed set of questions, and says why one does not answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from updraft import settings
from updraft.errors import SourceUnavailableError
from updraft.platform.cache import Cache

# Seconds.
CONNECT, PATIENCE, SHARED = 2.0, 8.0, 5.0
_answers: Cache[Any] = Cache(SHARED)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that the platform's settings may name.

    Args:
        name: What people call it.
        option: The option of [updraft] with its address.

    Example:
        >>> Server("Prometheus", "prometheus_url").url
        ''
    """

    name: str
    option: str

    @property
    def url(self) -> str:
        """Its address without a / at the end, empty where nothing sets it."""
        return settings.text(self.option).rstrip("/")

    async def ask(self, path: str, **parameters: str) -> Any:
        """Return the JSON of an answer, the last seconds' if there is one.

        Args:
            path: Below its address.
            parameters: Of the query.

        Raises:
            SourceUnavailableError: It has no address, does not answer, or refuses.
        """
        if not self.url:
            raise SourceUnavailableError(
                f"no {self.name} is known",
                where=f"[{settings.SECTION}] {self.option}",
                fix="switch monitoring on in the platform's settings (monitoring.mode; in "
                "monitoring.metrics the address of a cluster's own server), then deploy",
            )
        key = str(httpx.URL(f"{self.url}/{path}", params=parameters))
        return await _answers.get(key, lambda: self._ask(key))

    async def _ask(self, url: str) -> Any:
        limits = httpx.Timeout(PATIENCE, connect=CONNECT)
        try:
            # A server inside the cluster is never behind the proxy that the environment may name.
            async with httpx.AsyncClient(timeout=limits, trust_env=False) as client:
                answer = await client.get(url)
        except httpx.HTTPError as error:
            raise self._silent(str(error) or type(error).__name__) from error
        if answer.is_error:
            raise SourceUnavailableError(
                f"{self.name} refuses the question with HTTP {answer.status_code}: "
                f"{answer.text[:300]}",
                where=self.url,
                fix="tell the platform team; the question is the page's own",
            )
        try:
            return answer.json()
        except ValueError:
            raise self._silent("what it says is not JSON; is the address right?") from None

    def _silent(self, reason: str) -> SourceUnavailableError:
        return SourceUnavailableError(
            f"{self.name} does not answer: {reason}",
            where=self.url,
            fix="see whether its pod is up: kubectl get pods, in the monitoring namespace; "
            f"or mend its address, [{settings.SECTION}] {self.option}",
        )


PROMETHEUS = Server("Prometheus", "prometheus_url")
ALERTMANAGER = Server("Alertmanager", "alertmanager_url")


@dataclass(frozen=True, slots=True)
class Series:
    """Values over time of one set of labels.

    Args:
        labels: The labels without the metric's name.
        points: Milliseconds since 1970 and the value; None where there is none at that time.

    Example:
        >>> Series({"phase": "Running"}, [(0, 3.0), (15_000, None)]).last
        3.0
    """

    labels: Mapping[str, str]
    points: list[tuple[int, float | None]]

    @property
    def last(self) -> float | None:
        """The newest value."""
        return next((value for _, value in reversed(self.points) if value is not None), None)


async def over_time(query: str, start: int, end: int, step: int) -> list[Series]:
    """Return the series of a query at each step; only those that have a value.

    Args:
        query: In PromQL.
        start: Of the time, in seconds since 1970.
        end: Its end.
        step: In seconds.

    Raises:
        SourceUnavailableError: Prometheus has no address, does not answer, or refuses.
    """
    answer = await PROMETHEUS.ask(
        "api/v1/query_range", query=query, start=str(start), end=str(end), step=str(step)
    )
    found: list[Series] = []
    for each in answer["data"]["result"]:
        values = {round(float(moment)): number(text) for moment, text in each["values"]}
        grid = range(start, end + 1, step)
        points = [(moment * 1000, values.get(moment)) for moment in grid]
        if any(value is not None for _, value in points):
            found.append(Series(_labels(each), points))
    return found


async def at(query: str, moment: int) -> list[tuple[Mapping[str, str], float]]:
    """Return labels and value of each series of a query at one moment.

    Args:
        query: In PromQL.
        moment: In seconds since 1970.

    Raises:
        SourceUnavailableError: Prometheus has no address, does not answer, or refuses.
    """
    answer = await PROMETHEUS.ask("api/v1/query", query=query, time=str(moment))
    found = [(_labels(each), number(each["value"][1])) for each in answer["data"]["result"]]
    return [(labels, value) for labels, value in found if value is not None]


def number(text: str) -> float | None:
    """Return a value of Prometheus' JSON; None for one that is not finite.

    Example:
        >>> number("0.5"), number("NaN")
        (0.5, None)
    """
    value = float(text)
    return value if math.isfinite(value) else None


def _labels(result: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in result["metric"].items() if name != "__name__"}
