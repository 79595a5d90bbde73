"""
Sharing a request among those who ask for the same at once, without anybody being given an older answer.

Slack allows twenty calls a minute of most of what is needed here, and fifty leavers of one night ask for the same lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from connectors.errors import ConnectorError
from connectors.slack.exchange import Trace
from models.vocabulary import Evidence

T = TypeVar("T")


@dataclass(slots=True)
class Rides(Generic[T]):
    """
    Trips by key, one at a time for each.

    Whoever asks waits for a trip that leaves *after* they asked, together with all who asked meanwhile.  So what a
    trip brings is as fresh as a request of one's own: nothing is kept, and a read-back may share it too.
    """

    _waiting: dict[str, asyncio.Task[tuple[T, tuple[Evidence, ...]]]] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[tuple[T, tuple[Evidence, ...]]]] = field(default_factory=dict)

    async def share(self, key: str, trip: Callable[[Trace], Awaitable[T]], trace: Trace) -> T:
        """
        Return what the next trip brings, and add its exchanges to *trace*; raises what it raises.

        *trip* is the same for all who give one key.
        """
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.ensure_future(self._leave(key, self._running.get(key), trip))
        try:
            brought, seen = await asyncio.shield(task)  # who gives up waiting does not take the others' trip along
        except ConnectorError as error:
            trace += error.evidence
            raise
        trace += seen
        return brought

    async def _leave(
        self,
        key: str,
        before: asyncio.Task[tuple[T, tuple[Evidence, ...]]] | None,
        trip: Callable[[Trace], Awaitable[T]],
    ) -> tuple[T, tuple[Evidence, ...]]:
        if before is not None:
            await asyncio.wait({before})
        running = self._running[key] = self._waiting.pop(key)  # from here on, who asks waits for the next
        seen: Trace = []
        try:
            return await trip(seen), tuple(seen)
        finally:
            if self._running[key] is running:
                del self._running[key]
