"""
Sharing one request among callers that ask for the same at once, without giving any of them an older answer.

Slack allows twenty calls a minute of most methods, and the cases of fifty leavers in one night need the same lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from connectors.errors import ConnectorError
from connectors.kit.exchange import Trace
from connectors.kit.limits import Rank, at_least, rank_of
from models.vocabulary import Evidence

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Flight(Generic[T]):
    """One request.  *rank*: the highest of those who share it."""

    rank: Rank
    may_begin: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Task[tuple[T, tuple[Evidence, ...]]] = field(init=False)


@dataclass(slots=True)
class SingleFlight(Generic[T]):
    """
    Requests by key, for each key one at a time; but none waits for one of a lower rank.

    A caller shares the next request that begins *after* its call.  Its answer is as fresh as that of a request of its own, so
    a read-back may share it too.  No answer is kept.
    """

    _waiting: dict[str, _Flight[T]] = field(default_factory=dict)
    _under_way: dict[str, _Flight[T]] = field(default_factory=dict)

    async def share(self, key: str, ask: Callable[[Trace], Awaitable[T]], trace: Trace) -> T:
        """
        Return the answer of the next request for *key*, and add its exchanges to *trace*; raises what *ask* raises.

        All callers with one key must give the same *ask*.
        """
        before, flight = self._under_way.get(key), self._waiting.get(key)
        if flight is None or flight.answer.done():  # done: cancelled before it began
            flight = self._waiting[key] = _Flight(rank_of())
            flight.answer = asyncio.ensure_future(self._begin(key, flight, ask))
            # if every caller gave up, asyncio must not log the failure: it holds the vendor's words
            flight.answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        flight.rank = min(flight.rank, rank_of())
        if before is None or flight.rank < before.rank:
            flight.may_begin.set()
        try:
            # shielded: a caller that gives up does not end the others' request
            brought, seen = await asyncio.shield(flight.answer)
        except ConnectorError as error:
            trace += error.evidence
            raise error.copied() from error
        trace += seen
        return brought

    async def _begin(
        self, key: str, flight: _Flight[T], ask: Callable[[Trace], Awaitable[T]]
    ) -> tuple[T, tuple[Evidence, ...]]:
        await flight.may_begin.wait()
        self._under_way[key] = self._waiting.pop(key)  # from here on, a caller waits for the next one
        seen: Trace = []
        try:
            with at_least(flight.rank):
                return await ask(seen), tuple(seen)
        finally:
            if self._under_way.get(key) is flight:
                del self._under_way[key]
                if key in self._waiting:
                    self._waiting[key].may_begin.set()


class SharedRead(Generic[T]):
    """What *ask* reads, once and for all who want it; its exchanges are evidence for each of them."""

    def __init__(self, ask: Callable[[Trace], Coroutine[Any, Any, T]]) -> None:
        self._ask, self._trace = ask, list[Evidence]()
        self._task: asyncio.Task[T] | None = None
        self._callers = 0

    async def get(self, trace: Trace) -> T:
        """Add the exchanges to *trace*, and return or raise what *ask* does.  The read is given up with its last caller."""
        task = self._task = self._task or asyncio.ensure_future(self._ask(self._trace))
        self._callers += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._callers -= 1
            if not self._callers and not task.done():
                self._task = None
                task.cancel()
                await asyncio.wait([task])
            trace += self._trace
