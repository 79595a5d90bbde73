"""The one owner of short waits: seconds, within one call to a vendor.  Hours belong to the sweep."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from connectors.errors import Throttled, Unreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """
    Retries: *tries* in all, waits doubling from *base* seconds with full jitter, each at most *longest* seconds.

    A vendor's Retry-After is obeyed to the second; one above *longest* ends the retries at once.  The numbers are our choice:
    a case waits minutes at most, and the sweep looks again.
    """

    tries: int = 5
    base: float = 1.0
    longest: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = random.random

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """
        Run *attempt* until it answers; raises the last `Throttled` or `Unreachable`.

        So a write is sent again only if it surely did nothing: it was throttled, or never reached the vendor.
        """
        for n in range(1, self.tries + 1):
            try:
                return await attempt()
            except (Throttled, Unreachable) as error:
                wait = self._wait(n, error)
                if n == self.tries or wait > self.longest:
                    raise
                await self.sleep(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    def _wait(self, n: int, error: Exception) -> float:
        asked: timedelta | None = getattr(error, "retry_after", None)
        if asked is not None:
            return asked.total_seconds()
        return min(self.base * 2.0 ** (n - 1), self.longest) * self.draw()


async def together(*work: Awaitable[T]) -> list[T]:
    """
    Run *work* at once, wait for all of it, and only then raise the first failure: nothing runs on over connections that the
    caller may close.
    """
    done = await asyncio.gather(*work, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in done if not isinstance(outcome, BaseException)]
