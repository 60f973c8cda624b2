"""What has been moved so far, counted, and told in the log at a steady rhythm."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from time import monotonic

log = logging.getLogger(__name__)

MIB = 2**20
# Seconds between two lines: a long transfer stays readable, and a stalled one is seen soon.
RHYTHM = 10.0


@dataclass(slots=True)
class Progress:
    """Rows and bytes on their way.

    Args:
        every: Seconds between two lines of the log.

    Example:
        >>> progress = Progress()
        >>> progress.add(2, 64)
        >>> progress.rows, progress.bytes
        (2, 64)
    """

    every: float = RHYTHM
    rows: int = 0
    bytes: int = 0
    _started: float = field(default_factory=monotonic)
    _told: float = field(default_factory=monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._started

    def add(self, rows: int, size: int) -> None:
        """Count rows and their size in bytes."""
        self.rows += rows
        self.bytes += size
        if monotonic() - self._told >= self.every:
            self._told = monotonic()
            log.info("%s so far", str(self))

    def __str__(self) -> str:
        seconds = max(self.seconds, 0.001)
        return (
            f"{self.rows:,} rows, {self.bytes / MIB:,.1f} MiB in {seconds:,.1f} s"
            f" ({self.rows / seconds:,.0f} rows/s)"
        )
