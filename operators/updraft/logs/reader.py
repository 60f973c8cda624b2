"""A task's log read back from Loki: each try and map index, in order, however long it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from updraft.logs import lines, store

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

CONTAINER = "base"
# The clocks of the database's host and of a node may differ, and a pod ends after its task.
MARGIN = timedelta(minutes=10)
# A line is in Loki this soon after it was written, unless Loki or its collector is behind.
ON_ITS_WAY = timedelta(seconds=15)
_ATTEMPT = re.compile(r"attempt=(\d+)\.log")
# Tries without a line so far; a deferred task has run, and its pod has gone.
_NOT_RUN = {None, "scheduled", "queued", "upstream_failed", "skipped", "removed"}


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a task, as far as its log is concerned.

    Args:
        ids: Its ids, by the names of the pod's annotations.
        pod: The pod that ran it, "" where none is known.
        start: A time before its first line.
        end: When it ended; None while it has not.

    Example:
        >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        >>> first, last = Try({"dag_id": "shop"}, "", noon, noon).window
        >>> (last - first) // 10**9 == 2 * MARGIN.total_seconds()
        True
    """

    ids: dict[str, str]
    pod: str
    start: datetime
    end: datetime | None

    @property
    def window(self) -> tuple[int, int]:
        """The times between which its lines lie, in nanoseconds since 1970."""
        last = (self.end or datetime.now(UTC)) + MARGIN
        return _nanoseconds(self.start - MARGIN), _nanoseconds(last)


class LokiTaskLog:
    """What Airflow calls a remote log: it reads Loki; the collector brings lines there.

    Example:
        >>> LokiTaskLog().processors
        ()
    """

    @property
    def processors(self) -> tuple[Any, ...]:
        """Nothing that would change what a task writes."""
        return ()

    def upload(self, path: os.PathLike[str] | str, ti: Any = None) -> None:
        """Do nothing: lines are collected from the pod's own output."""

    def read(self, relative_path: str, ti: Any) -> tuple[list[str], list[str] | None]:
        """Return sources and the whole log as one text; `stream` is what Airflow calls."""
        sources, streams = self.stream(relative_path, ti)
        return sources, ["\n".join(stream) for stream in streams] or None

    def stream(
        self, relative_path: str, ti: Any
    ) -> tuple[list[str], list[Generator[str, None, None]]]:
        """Return where a try's log is from, and its lines; none while it runs or before.

        While a task runs, Airflow reads its pod itself, and would show each line twice.

        Args:
            relative_path: The log's file name, whose end `attempt=<n>.log` tells the try.
            ti: The task instance, or its history's row.
        """
        found = _ATTEMPT.search(relative_path)
        number = int(found[1]) if found else int(ti.try_number)
        state = None if ti.state is None else str(ti.state)
        if number == ti.try_number and (state in _NOT_RUN or state == "running"):
            return [], []
        from updraft import settings  # noqa: PLC0415 -- Airflow may still be starting

        url = settings.text("loki_url")
        if not url:
            return [], []
        # A list that is empty would have Airflow look for files on a worker that has gone.
        return [f"Loki at {url}"], [_told(url, _try(ti, number), settings.text("logs_retention"))]


def _try(ti: Any, number: int) -> Try:
    ids = {name: str(getattr(ti, name)) for name in ("dag_id", "task_id", "run_id")}
    ids |= {"try_number": str(number), "map_index": str(ti.map_index)}
    began = [ti.queued_dttm, ti.start_date]
    if getattr(getattr(ti, "task", None), "_is_sensor", False):
        # A sensor that is rescheduled begins anew each time, within one try.
        began.append(ti.dag_run.start_date)
    known = [_utc(each) for each in (*began, ti.end_date) if each]
    end = _utc(ti.end_date) if ti.end_date else None
    return Try(ids, ti.hostname or "", min(known, default=datetime.now(UTC)), end)


def _told(url: str, attempt: Try, retention: str) -> Generator[str, None, None]:
    """Give the lines of a try, or what keeps them from being there."""
    count = 0
    try:
        for text in _lines(url, attempt):
            count += 1
            yield text
    except store.LokiError as error:
        yield lines.message(_unreachable(url, attempt, error, count), level="error")
        return
    age = datetime.now(UTC) - attempt.end if attempt.end else timedelta()
    if age < ON_ITS_WAY:
        yield lines.message(
            "The task has ended just now: its last lines may take some seconds to reach Loki."
            " Load this page again to see them."
        )
    elif not count:
        yield lines.message(_nothing(url, attempt, retention), level="warning")


def _lines(url: str, attempt: Try) -> Iterator[str]:
    start, end = attempt.window
    labels = {"k8s_namespace_name": _namespace()}
    own = labels | {"k8s_container_name": CONTAINER}
    empty = True
    for line in store.lines(url, store.query(own, attempt.ids), start, end):
        empty = False
        yield lines.shown(line)
    if empty:
        # The task's own container never spoke: perhaps the one that fetches the DAGs tells why.
        others = store.query(labels, attempt.ids, unlike=CONTAINER)
        for line in store.lines(url, others, start, end):
            name = line.labels.get("k8s_container_name", "another container")
            yield lines.shown(line, container=name)


def _unreachable(url: str, attempt: Try, error: store.LokiError, count: int) -> str:
    what = f"stopped after {count} lines" if count else "could not be read"
    pod = attempt.pod or "<pod>"
    return (
        f"This log {what}: Loki at {url} failed ({error}). No line is lost: those on the nodes"
        " wait until Loki is back. While the pod exists, its log is shown by"
        f" `kubectl --namespace {_namespace()} logs {pod}` or `make logs`."
    )


def _nothing(url: str, attempt: Try, retention: str) -> str:
    kept = f" for {retention}" if retention else " for a limited time"
    when = f"ended at {attempt.end:%Y-%m-%d %H:%M} UTC" if attempt.end else "has not ended"
    return (
        f"Loki at {url} has no line of this try, which {when}. Either its pod never started (the"
        f" scheduler's log tells why: `make logs LOG=scheduler`), or the lines are gone: Loki"
        f" keeps them{kept}."
    )


def _namespace() -> str:
    from airflow.sdk.configuration import conf  # noqa: PLC0415 -- Airflow may still be starting

    return str(conf.get("kubernetes_executor", "namespace", fallback="default"))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9
