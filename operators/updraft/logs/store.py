"""Lines from Loki, page by page in the order of their times, each of them once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

# Loki gives no more at once (monitoring/loki.py).
PAGE_LINES = 5000
# What a page should weigh: long lines make short pages.
PAGE_BYTES = 4 << 20
TIMEOUT_SECONDS = 30.0
# Has Loki list what a line knows beside the line, and not as a stream of its own.
_APART = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}


class LokiError(Exception):
    """Loki did not answer, or refused.

    Args:
        reason: What it said, or what was seen instead.
        too_large: Whether a smaller page may do.

    Example:
        >>> LokiError("HTTP 413", too_large=True).too_large
        True
    """

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of Loki's.

    Args:
        time: When the container runtime took it, in nanoseconds since 1970.
        text: The line as its container wrote it.
        labels: Labels of its stream, and what is known of the line itself.

    Example:
        >>> Line(1_767_225_600_000_000_000, "begun", {"level": "info"}).text
        'begun'
    """

    time: int
    text: str
    labels: Mapping[str, str] = field(default_factory=dict)


def quoted(text: str) -> str:
    r"""Return a string of LogQL's that means exactly the text.

    Example:
        >>> quoted('say "x"')
        '"say \\"x\\""'
    """
    # Go, which reads it, knows JSON's escapes except the pairs beyond U+FFFF: those stay as they
    # are. Half of such a pair is no text at all and matches nothing.
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)


def query(labels: Mapping[str, str], metadata: Mapping[str, str], *, unlike: str = "") -> str:
    """Return the query for the lines with these labels and metadata.

    Args:
        labels: Labels of the stream.
        metadata: What each line must know.
        unlike: A container whose lines are left out.
    """
    streams = [f"{name}={quoted(value)}" for name, value in labels.items()]
    if unlike:
        streams.append(f"k8s_container_name!={quoted(unlike)}")
    filters = "".join(f" | {name}={quoted(value)}" for name, value in metadata.items())
    return f"{{{', '.join(streams)}}}{filters}"


def lines(url: str, text: str, start: int, end: int) -> Iterator[Line]:
    """Give the lines of a query in order; memory holds a page of them.

    A page begins at the time that the last one ended with, for not all lines of that time may
    have been on it; what was given is known by text. The collector can bring a line twice, with
    the same time, so that is left out as well.

    Args:
        url: Loki's address.
        text: A log query.
        start: The first line's time at the earliest, in nanoseconds since 1970.
        end: A time later than the last line's.

    Raises:
        LokiError: There is no answer, or not the next page of it.
    """
    limit = PAGE_LINES
    given: set[tuple[str, str]] = set()
    while start < end:
        try:
            page = _page(url, text, start, end, limit)
        except LokiError as error:
            if not error.too_large or limit == 1:
                raise
            limit = max(1, limit // 8)
            continue
        for line in page:
            if line.time != start:
                start, given = line.time, set()
            key = (line.labels.get("k8s_pod_uid", ""), line.text)
            if key not in given:
                given.add(key)
                yield line
        if len(page) < limit:
            return
        if page[0].time == page[-1].time:
            # More lines of one time than a page holds: the rest can't be asked for.
            start, given = start + 1, set()
        weight = sum(len(line.text) for line in page) // len(page) + 1
        limit = max(8, min(PAGE_LINES, PAGE_BYTES // weight))


def _page(url: str, text: str, start: int, end: int, limit: int) -> list[Line]:
    asked = {"query": text, "start": start, "end": end, "limit": limit, "direction": "forward"}
    try:
        answer = _get(f"{url.rstrip('/')}/loki/api/v1/query_range?{urlencode(asked)}")
        found = [
            Line(int(value[0]), value[1], stream["stream"] | _own(value))
            for stream in answer["data"]["result"]
            for value in stream["values"]
        ]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise LokiError(f"what answers there is not Loki: {error!r}") from error
    return sorted(found, key=lambda line: line.time)


def _own(value: list[Any]) -> dict[str, str]:
    return {name: text for each in value[2:] for name, text in each["structuredMetadata"].items()}


def _get(address: str) -> Any:
    request = Request(address, headers=_APART)  # noqa: S310 -- the platform's own setting
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 -- as above
            return json.load(answer)
    except HTTPError as error:
        said = error.read(500).decode(errors="replace").strip()
        too_large = error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise LokiError(f"HTTP {error.code}: {said}", too_large=too_large) from error
    except TimeoutError as error:
        raise LokiError(f"no answer in {TIMEOUT_SECONDS:.0f} s") from error
    except (OSError, HTTPException) as error:
        raise LokiError(str(getattr(error, "reason", error))) from error
