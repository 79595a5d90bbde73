"""
Keeping the limits that a vendor publishes, instead of learning them from its refusals.

Limits are data with their source, in each connector's `limits.py`.  What they allow is shared by all processes that ask
the same tenant: they take it from one `Ledger` (casework's is the database), a few calls at a time.  Urgent calls wait for no
others: they have places of their own, and a quarter of each limit is left to them.  What a due cut searches and lists goes before
the rest, which leaves it an eighth.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import IntEnum, auto
from itertools import count
from math import ceil, inf
from typing import Protocol, TypeAlias

from connectors.errors import NotConfigured
from connectors.kit.semaphore import PrioritySemaphore
from models.vocabulary import ConnectionId

_PLACES = 8
SLOTS = 10
"""The parts into which the time of a limit is divided for counting."""
_BLOCKS = 40
"""A busy process takes one in so many of a limit's calls from the ledger at once."""
Slots: TypeAlias = "dict[int, int]"
"""Calls that were taken, by the number of their slot since 1970 (or since a process's clock began)."""
_FURTHEST = 100
"""So many times of the limit are booked ahead at most; what is further was booked by a clock that was wrong."""


class Rank(IntEnum):
    """
    URGENT: a write, or a read of a sign-in or a session.  DUE: what a due cut searches or lists.  OTHER: the rest, which follows evenly, so
    that room is never a whole minute away.
    """

    URGENT = auto()
    DUE = auto()
    OTHER = auto()


_rank = ContextVar("rank", default=Rank.OTHER)


def for_a_due_cut() -> AbstractContextManager[None]:
    """Let every call that is begun in here be at least DUE."""
    return at_least(Rank.DUE)


@contextmanager
def at_least(rank: Rank) -> Iterator[None]:
    """Let every call that is begun in here have *rank*, or the higher one that it would have had."""
    token = _rank.set(min(rank, _rank.get()))
    try:
        yield
    finally:
        _rank.reset(token)


def rank_of(*, urgent: bool = False) -> Rank:
    """Return the rank of a call that is begun here."""
    return Rank.URGENT if urgent else _rank.get()


@dataclass(frozen=True, slots=True)
class Limit:
    """
    *a_minute*: calls that the vendor allows for *name*, a method or a group of them; *source*: where it says so.

    *within*: the seconds in which the vendor counts, where it is not a minute: 30 calls a minute within ten seconds are five in each
    ten.  *bucket*: how many it takes at once, where it says so, the others following evenly; all that are counted for it have to be
    urgent.  *at_once*: how many may be under way together; as many urgent ones may be beside them.
    """

    name: str
    a_minute: int
    source: str
    at_once: int = _PLACES
    bucket: int | None = None
    within: int = 60

    @property
    def counted(self) -> int:
        """How many calls are allowed in the time in which the vendor counts."""
        return max(self.a_minute * self.within // 60, 1)

    @property
    def slot_seconds(self) -> float:
        return self.within / SLOTS

    @property
    def block(self) -> int:
        return max(self.counted // _BLOCKS, 1)

    def raised(self, a_minute: int) -> Limit:
        """
        Return the limit of a tenant that was given other calls *a_minute*, or leaves some to others.

        The bucket shrinks with them; it does not grow, since the vendor has not said so.
        """
        bucket = (self.bucket or 0) * min(a_minute, self.a_minute) // self.a_minute
        within = max(self.within, -(-60 // a_minute))  # a call at least
        return replace(self, a_minute=a_minute, bucket=bucket or None, within=within)


class Ledger(Protocol):
    """Where processes take what a limit allows."""

    async def take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        """
        Take so many *calls*; return in how many seconds they may go, and in how many they no longer may.

        Raises nothing, and never waits for long: no call of a cut depends on it.
        """


@dataclass(slots=True)
class OwnLedger:
    """The ledger of a process that is alone, and of tests.  *clock*: in seconds."""

    clock: Callable[[], float] = time.monotonic
    slots: dict[tuple[ConnectionId, str], Slots] = field(default_factory=dict)

    async def take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        now, key = self.clock(), (connection, limit.name)
        self.slots[key], wait, lasts = booked(self.slots.get(key, {}), now, limit, calls, rank)
        return wait, lasts


def booked(slots: Mapping[int, int], now: float, limit: Limit, calls: int, rank: Rank) -> tuple[Slots, float, float]:
    """
    Book *calls* in the first slot, from *now* on, in which they exceed nothing; return the slots with them, and the seconds until that
    slot begins and ends.

    Nothing: no eleven slots in a row, and so no time of the limit's length, have more calls than it allows; calls that are not
    urgent leave a quarter of them.  What a clock that was wrong has booked ahead holds up nobody: earlier slots are free.
    """
    if limit.bucket is not None:
        return _poured(slots, now, limit, limit.bucket, calls)
    first = int(now // limit.slot_seconds)
    kept = {slot: count for slot, count in slots.items() if -SLOTS <= slot - first <= _FURTHEST * SLOTS}
    chosen = next(slot for slot in count(first) if _fits(kept, slot, limit, calls, rank))
    kept[chosen] = kept.get(chosen, 0) + calls
    begins = max(chosen * limit.slot_seconds - now, 0.0)
    return kept, begins, (chosen + 1) * limit.slot_seconds - now


def _fits(slots: Slots, slot: int, limit: Limit, calls: int, rank: Rank) -> bool:
    """Whether each row of eleven slots that has this one takes so many *calls* more."""
    most = _share(limit.counted, rank)
    here, before = slots.get(slot, 0) + calls, sum(slots.get(one, 0) for one in range(slot - SLOTS, slot))
    if rank is Rank.OTHER and here > max(-(-most // SLOTS), calls) and here + before > most // 4:
        return False
    around = [slots.get(one, 0) for one in range(slot - SLOTS, slot + SLOTS + 1)]
    return all(sum(around[start : start + SLOTS + 1]) + calls <= max(most, calls) for start in range(SLOTS + 1))


def _poured(slots: Mapping[int, int], now: float, limit: Limit, bucket: int, calls: int) -> tuple[Slots, float, float]:
    """
    Book *calls* by the vendor's token bucket (the generic cell rate algorithm, ITU-T I.371).  They go at the moment that is returned, so
    that no block of several is taken.

    All ranks share it: the calls of a bucket are urgent.  Slot 0 holds until when it is spent, in milliseconds; later than after two times
    of the limit, a clock was wrong.
    """
    each = limit.within / max(limit.counted - bucket, 1)  # the seconds in which one call flows in
    before = slots.get(0, -inf) / 1000
    spent = max(before if before <= now + 2 * limit.within else now, now - bucket * each) + calls * each
    wait = max(spent - now, 0.0)
    return {0: ceil(1000 * spent)}, wait, wait


_BESIDE = {Rank.DUE: Rank.OTHER, Rank.OTHER: Rank.DUE}
"""The ranks that share their places: only urgent calls have places of their own."""
_WHOLE = 8
_EIGHTHS = {Rank.URGENT: _WHOLE, Rank.DUE: 6, Rank.OTHER: 5}


def _share(calls: int, rank: Rank) -> int:
    """Return how many of *calls* are for a rank."""
    return max(calls * _EIGHTHS[rank] // _WHOLE, 1)


@dataclass(slots=True)
class _Queue:
    """The calls of one limit and rank in this process: their places, who takes next, and what is left of a block."""

    places: PrioritySemaphore
    next: PrioritySemaphore = field(default_factory=lambda: PrioritySemaphore(1))
    left: int = 0
    size: int = 1
    begins: float = 0.0
    ends: float = 0.0


@dataclass(slots=True)
class Limits:
    """
    The limits of one tenant's calls.  For one event loop.

    *rows*: as the vendor publishes them; *raised*: calls a minute by name, where this tenant was given others.  A call without a
    limit of its own is held back only after the vendor has asked to wait.  *longest*: seconds for which such a wait is kept for
    all; a longer one is left to each caller's failure.
    """

    connection: ConnectionId
    rows: Sequence[Limit]
    sleep: Callable[[float], Awaitable[None]]
    longest: float
    raised: Mapping[str, int] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=OwnLedger)
    clock: Callable[[], float] = time.monotonic
    _limits: dict[str, Limit] = field(default_factory=dict)
    _queues: dict[tuple[str, Rank], _Queue] = field(default_factory=dict)
    _closed_until: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise `NotConfigured` for a raised limit that there is not: a name misspelt would be kept at the published one in silence."""
        if unknown := self.raised.keys() - {"*", *(row.name for row in self.rows)}:
            known = ", ".join(sorted(row.name for row in self.rows))
            raise NotConfigured(f"{self.connection}: LIMITS names {min(unknown)}, which is not one of: {known}")
        for row in self.rows:
            a_minute = self.raised.get(row.name, self.raised.get("*"))
            self._limits[row.name] = row if a_minute is None else row.raised(a_minute)

    @asynccontextmanager
    async def turn(self, *names: str, urgent: bool = False) -> AsyncIterator[None]:
        """Wait until each limit of *names* lets one more call go, and hold a place of each meanwhile."""
        rank = rank_of(urgent=urgent)
        async with AsyncExitStack() as places:
            for name in names:
                queue = self._queue(name, rank)
                # one of a rank at a time waits for the rate, and holds a place meanwhile
                async with queue.next.place():
                    await places.enter_async_context(queue.places.place(urgent=rank is Rank.DUE))
                    await self._wait(name, queue, rank)
            yield

    def close(self, name: str, wait: timedelta | None) -> None:
        """Close *name* for as long as the vendor asked: it counts other callers too."""
        if wait is not None and wait.total_seconds() <= self.longest:
            self._closed_until[name] = max(self.clock() + wait.total_seconds(), self._closed_until.get(name, 0.0))

    def _queue(self, name: str, rank: Rank) -> _Queue:
        if (name, rank) not in self._queues:
            limit, beside = self._limits.get(name), self._queues.get((name, _BESIDE.get(rank, rank)))
            own = PrioritySemaphore(_PLACES if limit is None else limit.at_once)
            self._queues[name, rank] = _Queue(own if beside is None else beside.places)
        return self._queues[name, rank]

    async def _wait(self, name: str, queue: _Queue, rank: Rank) -> None:
        """Use one call of the block that is left, or take another: a larger one after one that was soon used up."""
        limit = self._limits.get(name)
        if limit is not None:
            now = self.clock()
            if not queue.left or now >= queue.ends:
                busy = not queue.left and now < queue.ends
                queue.size = min(2 * queue.size, limit.block) if busy else 1
                begins, ends = await self.ledger.take(self.connection, limit, queue.size, rank)
                queue.left, queue.begins, queue.ends = queue.size, self.clock() + begins, self.clock() + ends
            await self._until(queue.begins)
        await self._until(self._closed_until.get(name, 0.0))
        queue.left = max(queue.left - 1, 0)  # only now: a caller that gave up has used nothing

    async def _until(self, at: float) -> None:
        if (left := at - self.clock()) > 0:
            await self.sleep(left)
