"""The one owner of short waits: seconds, within one call to a vendor.  Hours belong to the sweep."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from connectors.errors import ConnectorError, OutcomeUnknown, Throttled, Unreachable
from models.vocabulary import Evidence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """
    Try again within limits: *tries* in all, waits doubling from *base* seconds with full jitter, each at most *longest*.

    A vendor's Retry-After is obeyed to the second; one that is longer than *longest* ends the tries at once, since
    waiting so long is not this owner's business.
    """

    tries: int = 5
    base: float = 1.0
    longest: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = field(default=random.random)

    async def read(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Run a read until it answers; raises the last `Throttled` or `Unreachable`."""
        return await self._try(attempt, (Throttled, Unreachable))

    async def write(self, attempt: Callable[[], Awaitable[T]], *, repeatable: bool = False) -> T:
        """
        Run a write.  Only what surely did nothing is sent again: throttled, or never reached the vendor.

        *repeatable* says that the same request twice has the effect of one (the vendor's documentation says so): then
        an unknown outcome is tried again as well.
        """
        return await self._try(
            attempt, (Throttled, Unreachable, OutcomeUnknown) if repeatable else (Throttled, Unreachable)
        )

    async def _try(self, attempt: Callable[[], Awaitable[T]], again: tuple[type[Exception], ...]) -> T:
        for n in range(1, self.tries + 1):
            try:
                return await attempt()
            except again as error:
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
    Run *work* at once, wait for all of it, and only then raise the first failure.

    Nothing is left running behind the caller's back, on connections that may be closed meanwhile.
    """
    done = await asyncio.gather(*work, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in done if not isinstance(outcome, BaseException)]


@contextmanager
def resting_on(evidence: Sequence[Evidence]) -> Iterator[None]:
    """Let an error that is raised in here rest on *evidence*, as it is then."""
    try:
        yield
    except ConnectorError as error:
        error.rest_on(evidence)
        raise
