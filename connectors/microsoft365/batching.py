"""
The reads of one listing, asked for together: Graph's JSON batching (learn.microsoft.com/graph/json-batching).

Written by hand: the SDK's own batch classes (msgraph-core 1.5) need a package that it does not declare, and lose the bodies.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import uuid4

from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from connectors.errors import Denied, Unintelligible, Unreachable
from connectors.kit.pacing import together
from connectors.microsoft365.answers import NOTHING_GONE, Row
from connectors.microsoft365.exchange import Asked, Came, Seen, judge, row_of
from connectors.microsoft365.transport import Build, Graph

T = TypeVar("T")

MOST_IN_ONE = 20
"""As many requests as the vendor takes in one batch."""


@dataclass(frozen=True, slots=True)
class _Inner:
    """A request that waits to be sent: its address within Graph, and its own headers."""

    asked: Asked
    url: str
    headers: Mapping[str, str]


class Batching:
    """
    `Reads` for one listing: what is asked at once goes in one batch, what is asked twice is asked once.

    Each request keeps its own answer, tries, evidence and errors; further pages, and a request that is alone, go by themselves.
    Nothing outlives the listing: who gives up waiting ends it.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._brought: dict[Hashable, tuple[Seen, asyncio.Task[Any]]] = {}
        self._waiting: list[_Inner] = []
        self._sending: asyncio.Task[dict[str, Came]] | None = None

    async def read(
        self,
        build: Build,
        seen: Seen,
        *,
        needs: tuple[str, ...] = (),
        gone: frozenset[tuple[int, str]] = NOTHING_GONE,
    ) -> Row:
        """See `Graph.read`."""
        request = self._graph.prepared(build)
        key = ("row", request.url, needs, gone)
        return await self._once(key, lambda own: self._read(build, request, own, needs, gone), seen)

    async def pages(self, build: Build, seen: Seen, *, needs: tuple[str, ...] = ()) -> list[Row]:
        """See `Graph.pages`."""
        request = self._graph.prepared(build)

        async def all_of_them(own: Seen) -> list[Row]:
            first = await self._read(build, request, own, needs, NOTHING_GONE)
            return await self._graph.rest(first, own, needs=needs)

        return await self._once(("pages", request.url, needs), all_of_them, seen)

    async def _once(self, key: Hashable, ask: Callable[[Seen], Coroutine[Any, Any, T]], seen: Seen) -> T:
        """Return what *ask* brings to whoever asks first; its exchanges are the evidence of all who ask."""
        if key not in self._brought:
            own: Seen = []
            self._brought[key] = own, asyncio.create_task(ask(own))
        exchanges, task = self._brought[key]
        try:
            brought: T = await task
        finally:
            seen += exchanges
        return brought

    async def _read(
        self,
        build: Build,
        request: RequestInformation,
        seen: Seen,
        needs: tuple[str, ...],
        gone: frozenset[tuple[int, str]],
    ) -> Row:
        # by itself, a request's names of parameters are decoded on their way, by the SDK
        url = re.sub(r"(?<=[?&])%24", "$", request.url.removeprefix(self._graph.endpoint))
        headers = request.request_headers or {}

        async def attempt() -> Row:
            asked = self._graph.described(request, needs, gone)
            came = await self._came(_Inner(asked, url, headers))
            if came is not None:
                try:
                    return row_of(judge(asked, came, seen), seen)
                except Denied:
                    if came.status != 401 or came.of_all:
                        raise
            # alone; or challenged for another token, which only the SDK can answer, and only outside of a batch
            return await self._graph.ask(build, seen, needs=needs, gone=gone)

        return await self._graph.pace.read(attempt)

    async def _came(self, inner: _Inner) -> Came | None:
        """Return what came to *inner* in a batch with all that is asked meanwhile; None when it is alone, and was not sent."""
        self._waiting.append(inner)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        return (await self._sending).get(inner.asked.id)

    async def _send(self) -> dict[str, Came]:
        """Wait until a turn of the event loop brings no further request, then send those that wait."""
        many = 0
        while many < len(self._waiting):
            many = len(self._waiting)
            await asyncio.sleep(0)
        waiting, self._waiting, self._sending = self._waiting, [], None
        if many == 1:
            return {}
        parts = [waiting[start : start + MOST_IN_ONE] for start in range(0, many, MOST_IN_ONE)]
        came = await together(*(self._exchange(part) for part in parts))
        return {number: one for part in came for number, one in part.items()}

    async def _exchange(self, part: Sequence[_Inner]) -> dict[str, Came]:
        number = str(uuid4())
        request = RequestInformation(Method.POST)
        request.url = f"{self._graph.endpoint}/$batch"
        request.headers.try_add("Accept", "application/json")
        request.headers.try_add("Content-Type", "application/json")
        request.content = json.dumps({"requests": [_told(inner) for inner in part]}).encode()
        whole = await self._graph.carry(request, number)
        return apart(replace(whole, batch=number), [inner.asked.id for inner in part])


def _told(inner: _Inner) -> Row:
    headers = {**inner.headers, "client-request-id": inner.asked.id}
    return {"id": inner.asked.id, "method": "GET", "url": inner.url, "headers": headers}


def apart(whole: Came, ids: Sequence[str]) -> dict[str, Came]:
    """
    Take the answer to a batch of requests apart by their *ids*, which no other batch bears; the vendor keeps no order.

    An answer that is none of a batch's is the answer to each request.  Where ids are doubled or not ours nothing of it is
    believed.  A request without an answer was not answered, whatever the others say.
    """
    if whole.failure is not None or whole.status is None or not 200 <= whole.status < 300:
        return dict.fromkeys(ids, replace(whole, of_all=True))
    try:
        answers = _by_id(whole, frozenset(ids))
        return {number: _one(whole, answers.get(number)) for number in ids}
    except (ValueError, TypeError, KeyError, RecursionError):
        return dict.fromkeys(ids, replace(whole, failure=Unintelligible("the batch's answer cannot be told apart")))


def _by_id(whole: Came, ours: frozenset[str]) -> dict[str, Row]:
    answers = json.loads(whole.content or b"")["responses"]
    found = {answer["id"]: answer for answer in answers}
    if whole.status != 200 or len(found) != len(answers) or not found.keys() <= ours:
        raise ValueError("another success, or ids that are doubled or not ours")
    return found


def _one(whole: Came, answer: Row | None) -> Came:
    """Return what came to one request.  The vendor's clock and the times of the exchange are the batch's."""
    if answer is None:
        return replace(
            whole, status=None, headers={}, content=None, failure=Unreachable("the batch brought no answer to it")
        )
    status, headers, body = answer.get("status"), answer.get("headers"), answer.get("body")
    date = {"date": whole.headers["date"]} if "date" in whole.headers else {}
    own = {name.lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    came = replace(whole, headers=own | date, content=content)
    if not isinstance(status, int) or not 100 <= status < 600:
        return replace(came, status=None, failure=Unintelligible("the batch's answer to it has no status"))
    return replace(came, status=status)
