"""Answers that all viewers share for some seconds, each asked for once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Cache(Generic[Answer]):
    """Answers by what was asked.

    Args:
        seconds: How long an answer, or its failure, is shared.

    Example:
        >>> cache = Cache(5.0)
        >>> async def ask() -> str:
        ...     return "yes"
        >>> asyncio.run(cache.get("up", ask))
        'yes'
    """

    seconds: float
    _asked: dict[str, tuple[float, asyncio.Future[Answer]]] = field(default_factory=dict)

    async def get(self, key: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer of the last seconds; where there is none, ask, once for all who wait.

        Args:
            key: What is asked.
            ask: Gives the answer.

        Raises:
            Exception: What `ask` raised, for all who wait for it.
        """
        now = time.monotonic()
        for old in [each for each, (made, _) in self._asked.items() if now - made > self.seconds]:
            del self._asked[old]
        if key not in self._asked:
            self._asked[key] = (now, asyncio.ensure_future(ask()))
        # A viewer who leaves does not take the answer from the others.
        return await asyncio.shield(self._asked[key][1])
