"""Keeping to what Slack asks of each method: when one says wait, all who want it wait, without spending their tries."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

ABREAST = 8
"""How many requests of one method are under way at once, and so how many at most are turned away at once."""


@dataclass(slots=True)
class Lanes:
    """One lane for each method, since Slack counts by method.  *longest* is in seconds: nobody is held longer."""

    sleep: Callable[[float], Awaitable[None]]
    longest: float
    clock: Callable[[], float] = time.monotonic
    _turns: defaultdict[str, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(ABREAST))
    )
    _closed_until: dict[str, float] = field(default_factory=dict)

    @asynccontextmanager
    async def turn(self, lane: str) -> AsyncIterator[None]:
        """Wait for a place in *lane*, and until it is open."""
        async with self._turns[lane]:
            left = self._closed_until.get(lane, 0.0) - self.clock()
            if left > 0:
                await self.sleep(left)
            yield

    def close(self, lane: str, wait: timedelta | None) -> None:
        """Close *lane* for as long as Slack asked; a wait that is too long is left to each caller's failure."""
        if wait is not None and wait.total_seconds() <= self.longest:
            until = self.clock() + wait.total_seconds()
            self._closed_until[lane] = max(until, self._closed_until.get(lane, 0.0))
