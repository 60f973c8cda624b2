"""What the tries of tasks took: the lines `updraft.resources` in Loki."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from infra.cli.sizing import Try
from infra.errors import UpdraftError

EVENT = "updraft.resources"
# Loki gives no more lines at once than this by default.
PAGE = 5000
TIMEOUT = 60
GIVEN = ("cpu_request", "cpu_limit", "memory_request", "memory_limit")
DAY = 24 * 60 * 60 * 1_000_000_000
# Loki is on this machine's loopback or a service of the cluster: no proxy leads there.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def tries(url: str, namespace: str, days: float, dag_id: str = "") -> list[Try]:
    """Return what each try took that ended in the last days, the latest last.

    Args:
        url: Loki's address.
        namespace: The task pods'.
        days: How far to look back.
        dag_id: A DAG; all of them by default.

    Raises:
        UpdraftError: Loki doesn't answer, or refuses.
    """
    query = f"{{k8s_namespace_name={json.dumps(namespace)}}} |= {json.dumps(EVENT)}"
    if dag_id:
        query += f" | dag_id={json.dumps(dag_id, ensure_ascii=False)}"
    end = time.time_ns()
    found = sorted(_lines(url, query, int(end - days * DAY), end))
    return [each for _, line in found if (each := parse(line))]


def parse(line: str) -> Try | None:
    """Return what a line tells; None for a line of another kind, or of an older Updraft."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    # A task that was skipped ran nothing that a size would have to hold.
    if not isinstance(told, dict) or told.get("event") != EVENT or told.get("state") == "skipped":
        return None
    try:
        return Try(
            dag_id=str(told["dag_id"]),
            task_id=str(told["task_id"]),
            peak=int(told["peak_memory_bytes"]),
            cpu_seconds=float(told["cpu_seconds"]),
            seconds=float(told["seconds"]),
            given={name: int(told[name]) for name in GIVEN if told.get(name) is not None},
        )
    except (KeyError, TypeError, ValueError):
        return None


def _lines(url: str, query: str, start: int, end: int) -> set[tuple[int, str]]:
    """All lines of a time, page by page from its end."""
    found: set[tuple[int, str]] = set()
    while start < end:
        page = list(_page(url, query, start, end))
        found.update(page)
        if len(page) < PAGE:
            break
        oldest = min(stamp for stamp, _ in page)
        # The end is not part of a page, and more lines may have the oldest one's time.
        end = oldest + 1 if oldest + 1 < end else oldest
    return found


def _page(url: str, query: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    asked = {"query": query, "start": start, "end": end, "limit": PAGE, "direction": "backward"}
    answer = _get(f"{url}/loki/api/v1/query_range?{urllib.parse.urlencode(asked)}")
    for stream in answer["data"]["result"]:
        for entry in stream["values"]:
            yield int(entry[0]), entry[1]


def _get(address: str) -> Any:
    where = address.partition("?")[0]
    try:
        with _OPENER.open(address, timeout=TIMEOUT) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        said = error.read(500).decode(errors="replace").strip()
        raise UpdraftError(f"Loki refuses with {error.code}: {said}", where=where) from error
    except (OSError, ValueError) as error:
        raise UpdraftError(
            f"Loki does not answer: {error}",
            where=where,
            fix="make status shows whether its pod runs; DAYS=1 asks for less",
        ) from error
