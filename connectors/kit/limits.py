"""
Keeping to the rate limits that a vendor publishes.

Limits are data with their source, in each connector's `limits.py`.  All processes that call one tenant share them: they take
calls from one `Ledger` (casework's is the database), a few at a time.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from connectors.errors import NotConfigured
from connectors.kit.semaphore import PrioritySemaphore
from models.vocabulary import ConnectionId

_BLOCKS = 20
"""A busy process takes a twentieth of a limit's calls from the ledger at once: few ledger writes, and little left unused."""
_NONE = 0
_BLOCK_LASTS = 5.0
"""Seconds for which calls that were taken may be used.  Bursts of older blocks would exceed a minute's limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """
    *a_minute*: calls that the vendor allows for *name*, a method or a group of methods; *source*: the vendor's page.

    A quarter may go in a burst (or *bucket* calls, if the vendor names fewer); the others follow evenly, so that no minute has
    more than the limit.  *at_once*: how many may be under way together.  *within*: the window in which the vendor counts, in
    seconds: 500 calls in 30 seconds are 1,000 *a_minute* with a burst of 125.
    """

    name: str
    a_minute: int
    source: str
    at_once: int = 8
    bucket: int | None = None
    within: int = 60

    @property
    def burst(self) -> int:
        """How many calls may go at once before others wait."""
        quarter = max(self._counted // 4, 1)
        return quarter if self.bucket is None else min(self.bucket, quarter)

    @property
    def interval(self) -> float:
        """Seconds between two calls after the burst, with room for a block's calls, which may be used later than taken."""
        return self.within / max(self._counted - self.burst - (self.block - 1), 1)

    @property
    def block(self) -> int:
        """How many calls a busy process takes at once."""
        return max(self._counted // _BLOCKS, 1)

    @property
    def _counted(self) -> int:
        """How many calls the vendor allows in *within* seconds."""
        return self.a_minute * self.within // 60


class Ledger(Protocol):
    """Where processes take the calls that a limit allows."""

    async def take(self, connection: ConnectionId, limit: Limit, calls: int) -> float:
        """Take *calls*; return after how many seconds they may go, 0.0 for now.  Never raises what would stop a call."""
        ...


@dataclass(slots=True)
class OwnLedger:
    """The ledger of a single process, and of tests: the generic cell rate algorithm (ITU-T I.371)."""

    clock: Callable[[], float] = time.monotonic
    _spent_until: dict[tuple[ConnectionId, str], float] = field(default_factory=dict)

    async def take(self, connection: ConnectionId, limit: Limit, calls: int) -> float:
        now, key = self.clock(), (connection, limit.name)
        spent = spent_until(self._spent_until.get(key, 0.0), now, limit, calls)
        self._spent_until[key] = spent
        return max(spent - now, 0.0)


def spent_until(before: float, now: float, limit: Limit, calls: int) -> float:
    """Return until when *limit* is spent after *calls* more; *before*: until when it was before.  Seconds on one clock."""
    return max(before, now - limit.burst * limit.interval) + calls * limit.interval


@dataclass(slots=True)
class _Gate:
    """One limit in this process: who goes next, the *left* calls of a block *until* a time, the vendor's *closed_until*."""

    limit: Limit
    next: PrioritySemaphore = field(default_factory=lambda: PrioritySemaphore(1))
    places: PrioritySemaphore = field(init=False)
    left: int = 0
    size: int = 1
    until: float = 0.0
    closed_until: float = 0.0

    def __post_init__(self) -> None:
        self.places = PrioritySemaphore(self.limit.at_once)


@dataclass(slots=True)
class Limits:
    """
    The limits of one tenant's calls.  For one event loop.

    *rows*: as the vendor publishes them; *raised*: calls a minute by name, where this tenant has others ("*": all).  A call
    without a published limit waits only after the vendor has asked to wait.  *longest*: the longest such wait, in seconds, that
    all callers share; a longer one fails only the call that was asked to wait.
    """

    connection: ConnectionId
    rows: Sequence[Limit]
    sleep: Callable[[float], Awaitable[None]]
    longest: float
    raised: Mapping[str, int] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=OwnLedger)
    clock: Callable[[], float] = time.monotonic
    _gates: dict[str, _Gate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise `NotConfigured` for an unknown name in *raised*: a misspelt name would silently keep the published limit."""
        if unknown := self.raised.keys() - {"*", *(row.name for row in self.rows)}:
            known = ", ".join(sorted(row.name for row in self.rows))
            raise NotConfigured(f"{self.connection}: LIMITS names {min(unknown)}, which is not one of: {known}")
        for row in self.rows:
            limit = replace(row, a_minute=self.raised.get(row.name, self.raised.get("*", row.a_minute)))
            self._gates[row.name] = _Gate(limit)

    @asynccontextmanager
    async def turn(self, *names: str, urgent: bool = False) -> AsyncIterator[None]:
        """Wait until each limit of *names* allows one more call, then hold its place.  An urgent call goes before others."""
        async with AsyncExitStack() as places:
            for name in names:
                gate = self._gate(name)
                async with gate.next.place(urgent=urgent):  # one caller at a time waits for the rate
                    await places.enter_async_context(gate.places.place(urgent=urgent))
                    await self._wait(gate)
            yield

    def close(self, name: str, wait: timedelta | None) -> None:
        """Hold back all calls of *name* for *wait*, as the vendor asked: it counts other callers too."""
        if wait is not None and wait.total_seconds() <= self.longest:
            gate = self._gate(name)
            gate.closed_until = max(self.clock() + wait.total_seconds(), gate.closed_until)

    def _gate(self, name: str) -> _Gate:
        if name not in self._gates:
            self._gates[name] = _Gate(Limit(name, _NONE, "none is published"))
        return self._gates[name]

    async def _wait(self, gate: _Gate) -> None:
        if gate.limit.a_minute != _NONE:
            await self._take(gate)
        left = gate.closed_until - self.clock()
        if left > 0:
            await self.sleep(left)

    async def _take(self, gate: _Gate) -> None:
        """Use one call of the present block, or take another block: a larger one if the last was used up in time."""
        now = self.clock()
        if gate.left and now <= gate.until:
            gate.left -= 1
            return
        busy = not gate.left and now <= gate.until
        gate.size = min(2 * gate.size, gate.limit.block) if busy else 1
        wait = await self.ledger.take(self.connection, gate.limit, gate.size)
        if wait > 0:
            await self.sleep(wait)
        gate.left, gate.until = gate.size - 1, self.clock() + _BLOCK_LASTS
