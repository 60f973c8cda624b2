"""Metrics on their way to StatsD: none is lost for what its tags hold.

Airflow's own client refuses a metric whose name and tags together exceed 250 characters, or hold
anything but ASCII letters, digits and `_.-/`: a deadline's callback with arguments has no metric,
nor has a DAG named größe. These two take the place of its check and of its client.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from typing import Any

from statsd import StatsClient  # type: ignore[import-untyped]

# What StatsD's lines and statsd_exporter's parser are made of, and what ends a line.
_SEPARATORS = re.compile(r"[:|@#\s\x00-\x1f]")
# Seconds between two looks at a name that leads nowhere.
BETWEEN_LOOKS = 30
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
    """Sends every id that Airflow allows, and looks for its server until it is there.

    Airflow goes without metrics for as long as a process lives whose first look at the name fails,
    and takes `ipv6` for the client's next argument, a size.

    Args:
        host: The server's name or address.
        port: Its UDP port.
        prefix: What every metric's name begins with.
        ipv6: Whether its address is one of IPv6.

    Example:
        >>> with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        ...     server.bind(("127.0.0.1", 0))
        ...     Client("127.0.0.1", server.getsockname()[1], "airflow").incr("begun,dag_id=größe")
        ...     server.recv(100).decode()
        'airflow.begun,dag_id=größe:1|c'
    """

    def __init__(
        self, host: str = "localhost", port: int = 8125, prefix: str = "", ipv6: bool = False
    ) -> None:
        super().__init__("::1" if ipv6 else "127.0.0.1", port, prefix, ipv6=ipv6)
        self._server = (host, port)
        self._addr: Any = None
        self._due = 0.0

    def _send(self, data: str) -> None:
        # As in the client itself, a metric that can't be sent must not harm what it counts.
        with suppress(OSError, RuntimeError):
            self._find()
            if self._addr:
                self._sock.sendto(data.encode(), self._addr)

    def _find(self) -> None:
        """Look for the server's address where it is not known, but not for every metric.

        Raises:
            OSError: There is none.
        """
        if self._addr is None and time.monotonic() >= self._due:
            self._due = time.monotonic() + BETWEEN_LOOKS
            found = socket.getaddrinfo(*self._server, self._sock.family, socket.SOCK_DGRAM)
            self._addr = found[0][-1]
