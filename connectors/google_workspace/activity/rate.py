"""Sharing Google's quota of filtered queries among all who read logs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

A_MINUTE = 200
"""Of Google's 250 filtered queries a minute (Reports API, limits); the rest is for the looks that prove a cut."""


@dataclass(slots=True)
class Rate:
    """
    Let *a_minute* calls go each minute, the first *a_minute* at once.  For one event loop.

    Each call takes its place in the row when it comes, so first come, first served, however many leavers there are.
    """

    sleep: Callable[[float], Awaitable[None]]
    a_minute: int = A_MINUTE
    clock: Callable[[], float] = time.monotonic
    _spent_until: float = 0.0

    async def wait(self) -> None:
        now = self.clock()
        self._spent_until = max(self._spent_until, now - 60.0) + 60.0 / self.a_minute
        if self._spent_until > now:
            await self.sleep(self._spent_until - now)
