"""Metrics on their way to StatsD: none is lost for what its tags hold.

Airflow's own client refuses a metric whose name and tags together exceed 250 characters, or hold
anything but ASCII letters, digits and `_.-/`: a deadline's callback with arguments has no metric,
nor has a DAG named größe. These two take the place of its check and of its client.
"""

from __future__ import annotations

import re
from contextlib import suppress

from statsd import StatsClient  # type: ignore[import-untyped]

# What StatsD's lines and statsd_exporter's parser are made of, and what ends a line.
_SEPARATORS = re.compile(r"[:|@#\s\x00-\x1f]")
# As long as Airflow lets an id be; what follows would be no label that anybody reads.
_LONGEST = 250


def name(stat: str) -> str:
    """Return a metric's name with its tags, each value fit for StatsD's line.

    Args:
        stat: Such as `ti.finish,dag_id=shop,state=success`.

    Example:
        >>> name('callback,dag_id=größe,kwargs={"at": 1}')
        'callback,dag_id=größe,kwargs={"at"__1}'
    """
    metric, *tags = stat.split(",")
    return ",".join([metric, *map(_tag, tags)])


def _tag(tag: str) -> str:
    key, _, value = tag.partition("=")
    return f"{key}={_SEPARATORS.sub('_', value)[:_LONGEST]}"


class Client(StatsClient):  # type: ignore[misc]
    """A client that can send every id that Airflow allows."""

    def _send(self, data: str) -> None:
        # As in the client itself, a metric that can't be sent must not harm what it counts.
        with suppress(OSError, RuntimeError):
            self._sock.sendto(data.encode(), self._addr)
