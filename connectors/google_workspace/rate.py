"""Sharing Google's quota of filtered queries (250 a minute: Reports API, limits) among all who read logs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Rate:
    """
    Let *at_once* calls go at once and *a_minute* more each minute: no minute has more than both together.  For one event loop.

    Each call takes its place in the row when it comes, so first come, first served, however many leavers there are.
    """

    sleep: Callable[[float], Awaitable[None]]
    a_minute: int
    at_once: int
    clock: Callable[[], float] = time.monotonic
    _spent_until: float = 0.0

    async def wait(self) -> None:
        now, each = self.clock(), 60.0 / self.a_minute
        self._spent_until = max(self._spent_until, now - self.at_once * each) + each
        if self._spent_until > now:
            await self.sleep(self._spent_until - now)
