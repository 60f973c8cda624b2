"""The ranges of time that the page shows, each in a bounded number of points."""

from __future__ import annotations

import time
from dataclasses import dataclass
from string import Template
from typing import Self


@dataclass(frozen=True, slots=True)
class Range:
    """A range that ends now.

    Args:
        seconds: Its length.
        step: Seconds between two points.
        end: Its end in seconds since 1970, a multiple of the step, so that viewers share answers.

    Example:
        >>> Range(3600, 15, 1_800_000_000).fill("max_over_time(up[${window}s])")
        'max_over_time(up[60s])'
    """

    seconds: int
    step: int
    end: int

    @classmethod
    def of(cls, name: str) -> Self:
        """Return a range by its name.

        Raises:
            KeyError: There is none of that name.
        """
        seconds, step = RANGES[name]
        return cls(seconds, step, int(time.time()) // min(step, 15) * min(step, 15))

    @property
    def start(self) -> int:
        """Its begin in seconds since 1970."""
        return self.end - self.seconds

    @property
    def window(self) -> int:
        """Seconds that a point stands for; at least a minute, lest a sample fall between two."""
        return max(self.step, 60)

    def fill(self, query: str, **values: str) -> str:
        """Fill in a query's $range, $step, $window (seconds) and further names."""
        known = {"range": self.seconds, "step": self.step, "window": self.window, **values}
        return Template(query).substitute(known)


# Seconds of each and of its step: 241 to 361 points.
RANGES = {
    "1h": (3600, 15),
    "6h": (6 * 3600, 60),
    "24h": (24 * 3600, 300),
    "7d": (7 * 86400, 1800),
    "30d": (30 * 86400, 7200),
}
DEFAULT = "24h"
