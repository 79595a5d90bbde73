"""
Sharing a request among those who ask for the same at once, without anybody being given an older answer.

Slack allows twenty calls a minute of most of what is needed here, and fifty leavers of one night ask for the same lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from connectors.errors import ConnectorError
from connectors.kit.exchange import Trace
from models.vocabulary import Evidence

T = TypeVar("T")
_Flight: TypeAlias = "asyncio.Task[tuple[T, tuple[Evidence, ...]]]"


@dataclass(slots=True)
class SingleFlight(Generic[T]):
    """
    Requests by key, one under way at a time for each.

    A caller gets the request that begins *after* the call, together with all who called meanwhile.  So its answer is as fresh as
    that of a request of one's own: nothing is kept, and a read-back may share it too.
    """

    _waiting: dict[str, _Flight[T]] = field(default_factory=dict)
    _under_way: dict[str, _Flight[T]] = field(default_factory=dict)

    async def share(self, key: str, ask: Callable[[Trace], Awaitable[T]], trace: Trace) -> T:
        """
        Return what the next request for *key* brings, and add its exchanges to *trace*; raises a `ConnectorError` of one's own for
        what it raises: a caller adds its own exchanges and words.

        *ask* is the same for all who give one key.
        """
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.ensure_future(self._begin(key, self._under_way.get(key), ask))
        try:
            # a caller that gives up waiting does not end the others' request
            brought, seen = await asyncio.shield(task)
        except ConnectorError as error:
            trace += error.evidence
            raise error.copied() from error
        trace += seen
        return brought

    async def _begin(
        self, key: str, before: _Flight[T] | None, ask: Callable[[Trace], Awaitable[T]]
    ) -> tuple[T, tuple[Evidence, ...]]:
        if before is not None:
            await asyncio.wait({before})
        own = self._under_way[key] = self._waiting.pop(key)  # from here on, a caller waits for the next one
        seen: Trace = []
        try:
            return await ask(seen), tuple(seen)
        finally:
            if self._under_way[key] is own:
                del self._under_way[key]
