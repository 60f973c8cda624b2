"""How long each try of a task waited in the queue, counted once, whenever its row is seen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

# A row is visible once its transaction ends, and a pod's clock may be late: so far back is looked.
OVERLAP = timedelta(seconds=120)
BUCKETS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class Starts:
    """The tries that have begun since this program did.

    Args:
        registry: Where the metrics go.

    Example:
        >>> registry, noon = CollectorRegistry(), datetime(2026, 3, 1, 12)
        >>> starts = Starts(registry)
        >>> starts.count(noon, [])
        >>> try_and_its_wait = ("shop", "load", "run", -1, noon + timedelta(seconds=5), 2.5)
        >>> for second in (15, 30):
        ...     starts.count(noon + timedelta(seconds=second), [try_and_its_wait])
        >>> registry.get_sample_value(
        ...     "updraft_task_queue_to_start_seconds_count", {"dag_id": "shop"}
        ... )
        1.0
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waits = Histogram(
            "updraft_task_queue_to_start_seconds",
            "How long a try of a task was queued before it began.",
            ["dag_id"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._unmeasured = Counter(
            "updraft_task_starts_unmeasured",
            "Tries whose wait is unknown: they were deferred and queued again between two looks.",
            registry=registry,
        )
        self._looked: datetime | None = None
        self._begun: datetime | None = None
        # What was counted, by all that tells a try apart; its start comes last.
        self._seen: set[tuple[Any, ...]] = set()

    @property
    def since(self) -> datetime | None:
        """From when on tries are to be looked for; None before the first look."""
        return self._looked - OVERLAP if self._looked else None

    def count(self, now: datetime, rows: Iterable[tuple[Any, ...]]) -> None:
        """Count the tries that have not been counted.

        Args:
            now: When the database was asked, by its own clock.
            rows: The tries since `since`: what tells them apart, then how long they waited.
        """
        begun = self._begun = self._begun or now
        for *key, wait in rows:
            # What began before this program did was its predecessor's to count.
            if tuple(key) in self._seen or key[-1] < begun:
                continue
            self._seen.add(tuple(key))
            if wait is None or wait < 0:
                self._unmeasured.inc()
            else:
                self._waits.labels(key[0]).observe(wait)
        self._looked = now
        self._seen = {key for key in self._seen if key[-1] >= now - OVERLAP}
