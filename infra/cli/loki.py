"""Lines of a platform's Loki: reached from this machine, and read whole however many they are."""

from __future__ import annotations

import http
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infra.cli.forward import forwarded
from infra.cli.platform import Platform
from infra.errors import UpdraftError
from infra.values import names
from infra.values.monitoring.options import address
from monitoring import ports

# Loki gives no more lines at once than this by default.
PAGE = 5000
TIMEOUT = 60
# Loki is on this machine's loopback or a service of the cluster: no proxy leads there.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A line of Loki's.

    Args:
        time: When it was written, in nanoseconds since 1970.
        text: What its container wrote.
        labels: Those of its stream, and what is known of the line besides.
    """

    time: int
    text: str
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)


@contextmanager
def port_forward(platform: Platform) -> Iterator[str]:
    """Loki's address as this machine reaches it while the block runs.

    Raises:
        UpdraftError: The platform has none, or it can't be reached.
    """
    settings = platform.settings
    url = address(settings, names.LOKI) if settings.monitoring.logs_are_kept else None
    if url is None:
        raise UpdraftError(
            "this platform has no Loki, so no line outlives its pod",
            where=f"updraft:monitoring.mode: {settings.monitoring.mode}",
            fix="set monitoring.mode to bundled, or monitoring.logs.url with mode operator",
        )
    parts = urlsplit(url)
    service = in_cluster(parts.hostname or "")
    if service is None:
        yield url
        return
    platform.reachable()
    name, namespace = service
    port = parts.port or ports.HTTP[names.LOKI]
    with forwarded(platform.kubectl, namespace, f"service/{name}", port) as local:
        yield f"http://127.0.0.1:{local}{parts.path}"


def in_cluster(host: str) -> tuple[str, str] | None:
    """Return the name and namespace of a Service that a host name is of, None for another host.

    Example:
        >>> in_cluster("loki.airflow-monitoring.svc.cluster.local"), in_cluster("loki.example.com")
        (('loki', 'airflow-monitoring'), None)
    """
    name, _, rest = host.partition(".")
    namespace, _, suffix = rest.partition(".")
    if namespace and (suffix == "svc" or suffix.startswith("svc.")):
        return name, namespace
    return None


def query(namespace: str, *, contains: str = "", **known: str) -> str:
    """The query for a namespace's lines that hold a text and know these ids."""
    holds = f" |= {_quoted(contains)}" if contains else ""
    filters = "".join(f" | {name}={_quoted(value)}" for name, value in known.items())
    return f"{{k8s_namespace_name={_quoted(namespace)}}}{holds}{filters}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def lines(url: str, asked: str, start: int, end: int) -> list[Line]:
    """All lines of a query in the order of their times, each once.

    Args:
        url: Loki's address.
        asked: The query.
        start: The first line's time at the earliest, in nanoseconds since 1970.
        end: A time later than the last line's.

    Raises:
        UpdraftError: Loki doesn't answer, or refuses.
    """
    found: dict[tuple[int, str, str], Line] = {}
    limit = PAGE
    while start < end:
        try:
            page = _page(url, asked, start, end, limit)
        except _TooLargeError:
            limit //= 8
            continue
        # The collector can bring a line twice, with the same time.
        found |= {(line.time, line.labels.get("k8s_pod_uid", ""), line.text): line for line in page}
        if len(page) < limit:
            break
        oldest = min(line.time for line in page)
        # The end is not part of a page, and more lines may have the oldest one's time.
        end = oldest + 1 if oldest + 1 < end else oldest
    return sorted(found.values())


class _TooLargeError(Exception):
    """A page of long lines that Loki doesn't give at once."""


def _page(url: str, asked: str, start: int, end: int, limit: int) -> list[Line]:
    what = {"query": asked, "start": start, "end": end, "limit": limit, "direction": "backward"}
    where = f"{url}/loki/api/v1/query_range"
    answer = _get(f"{where}?{urllib.parse.urlencode(what)}", small=limit <= 1)
    return [
        Line(int(entry[0]), entry[1], stream["stream"])
        for stream in answer["data"]["result"]
        for entry in stream["values"]
    ]


def _get(asked: str, *, small: bool) -> Any:
    where = asked.partition("?")[0]
    try:
        with _OPENER.open(asked, timeout=TIMEOUT) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE and not small:
            raise _TooLargeError from error
        said = error.read(500).decode(errors="replace").strip()
        raise UpdraftError(f"Loki refuses with {error.code}: {said}", where=where) from error
    except (OSError, ValueError) as error:
        raise UpdraftError(
            f"Loki does not answer: {error}",
            where=where,
            fix="make logs LOG=loki says why",
        ) from error
