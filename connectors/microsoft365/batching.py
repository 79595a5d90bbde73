"""
The reads of one listing in batches: Graph's JSON batching (learn.microsoft.com/graph/json-batching).

Our own code, since the SDK's batch classes (msgraph-core 1.5) need a package that it does not declare, and lose the bodies.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from azure.core.exceptions import AzureError
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from connectors.errors import Denied
from connectors.kit.exchange import Exchange, Reply, Row, Trace
from connectors.kit.pacing import together
from connectors.kit.single_flight import SharedRead
from connectors.microsoft365.answers import row_of
from connectors.microsoft365.errors import NOTHING_GONE, Gone, Needs, Outcome, judge
from connectors.microsoft365.limits import READS
from connectors.microsoft365.transport import Build, GraphTransport

MOST_IN_ONE = 20
"""Requests in one batch; the vendor's limit."""


@dataclass(frozen=True, slots=True)
class _Inner:
    """A request that waits to be sent: its unique id, and its address within Graph."""

    id: str
    request: RequestInformation
    url: str


class BatchedReads:
    """
    `Reads` for one listing: concurrent requests go in one batch, and equal requests are sent once.

    Each request has its own answer, tries, evidence and errors.  Further pages, and a single request, are sent alone.  Nothing
    outlives the listing: a caller that gives up waiting ends it.  *urgent*: a cut waits for the listing.
    """

    def __init__(self, graph: GraphTransport, *, urgent: bool = False) -> None:
        self._graph = graph
        self._urgent = urgent
        self._brought: dict[Hashable, SharedRead[Any]] = {}
        self._waiting: list[_Inner] = []
        self._sending: asyncio.Task[dict[str, Outcome]] | None = None

    async def read(self, build: Build, trace: Trace, *, needs: Needs = (), gone: Gone = NOTHING_GONE) -> Row:
        request = self._graph.prepared(build)
        key = ("row", request.url, needs, gone)
        once = self._brought.setdefault(key, SharedRead(lambda own: self._read(build, request, own, needs, gone)))
        row: Row = await once.get(trace)
        return row

    async def pages(self, build: Build, trace: Trace, *, needs: Needs = ()) -> list[Row]:
        request = self._graph.prepared(build)

        async def all_of_them(own: Trace) -> list[Row]:
            first = await self._read(build, request, own, needs, NOTHING_GONE)
            return await self._graph.rest(first, own, needs=needs, urgent=self._urgent)

        once = self._brought.setdefault(("pages", request.url, needs), SharedRead(all_of_them))
        rows: list[Row] = await once.get(trace)
        return rows

    async def _read(self, build: Build, request: RequestInformation, trace: Trace, needs: Needs, gone: Gone) -> Row:
        # the SDK decodes the names of a single request's parameters; in a batch we do
        url = re.sub(r"(?<=[?&])%24", "$", request.url.removeprefix(self._graph.endpoint))

        async def attempt() -> Row:
            outcome = await self._outcome(_Inner(str(uuid4()), request, url))
            if outcome is not None:
                try:
                    return row_of(judge(outcome, trace, needs=needs, gone=gone), trace)
                except Denied:
                    answer = outcome.reply if outcome.failure is None and not outcome.of_batch else None
                    if answer is None or answer.status != 401:
                        raise
            # a single request; or one challenged for another token, which only the SDK answers, outside of a batch
            body = await self._graph.once(build, trace, needs=needs, gone=gone, urgent=self._urgent)
            return row_of(body, trace)

        return await self._graph.pace.run(attempt)

    async def _outcome(self, inner: _Inner) -> Outcome | None:
        """Send *inner* in a batch with all requests that wait; return its outcome, None if it is alone and was not sent."""
        self._waiting.append(inner)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        return (await self._sending).get(inner.id)

    async def _send(self) -> dict[str, Outcome]:
        """Wait until a turn of the event loop adds no further request, then send those that wait."""
        many = 0
        while many < len(self._waiting):
            many = len(self._waiting)
            await asyncio.sleep(0)
        waiting, self._waiting, self._sending = self._waiting, [], None
        if many == 1:
            return {}
        parts = [waiting[start : start + MOST_IN_ONE] for start in range(0, many, MOST_IN_ONE)]
        brought = await together(*(self._exchange(part) for part in parts))
        return {number: one for part in brought for number, one in part.items()}

    async def _exchange(self, part: Sequence[_Inner]) -> dict[str, Outcome]:
        number = str(uuid4())
        request = RequestInformation(Method.POST)
        request.url = f"{self._graph.endpoint}/$batch"
        request.headers.try_add("Accept", "application/json")
        request.headers.try_add("Content-Type", "application/json")
        request.content = json.dumps({"requests": [_in_batch(inner) for inner in part]}).encode()
        for _ in part[1:]:  # each request counts for the limit
            async with self._graph.limits.turn(READS, urgent=self._urgent):
                pass
        whole = await self._graph.send(request, number, urgent=self._urgent)
        own = {inner.id: self._graph.exchange(inner.request, f"{inner.id} in batch {number}") for inner in part}
        outcomes = apart(whole, own)
        for one in outcomes.values():
            if one.reply is not None and one.reply.status == 429:
                self._graph.limits.close(READS, one.reply.retry_after)
        return outcomes


def _in_batch(inner: _Inner) -> Row:
    headers = {**(inner.request.request_headers or {}), "client-request-id": inner.id}
    return {"id": inner.id, "method": "GET", "url": inner.url, "headers": headers}


def apart(whole: Outcome, own: Mapping[str, Exchange]) -> dict[str, Outcome]:
    """
    Split a batch's answer into outcomes by id; *own*: the exchanges of its requests by id.  The vendor keeps no order.

    An answer that is not a batch's counts for each request.  With ids that come twice or are not ours, all requests fail.  A
    request that has no answer in the batch fails.
    """
    if isinstance(whole.failure, AzureError):  # the sign-in's: nothing else was sent
        return dict.fromkeys(own, whole)
    each = {
        number: replace(whole, exchange=replace(exchange, sent_at=whole.exchange.sent_at))
        for number, exchange in own.items()
    }
    if whole.reply is None or not 200 <= whole.reply.status < 300:
        return {number: replace(one, of_batch=True) for number, one in each.items()}
    try:
        answers = _by_id(whole.reply, own.keys())
        return {number: _one(one, whole.reply, answers.get(number)) for number, one in each.items()}
    except (ValueError, TypeError, KeyError, RecursionError):
        text = "the batch's answer cannot be read"
        return {number: replace(one, failure=text) for number, one in each.items()}


def _by_id(reply: Reply, ours: AbstractSet[str]) -> dict[str, Row]:
    answers = json.loads(reply.content)["responses"]
    found = {answer["id"]: answer for answer in answers}
    if reply.status != 200 or len(found) != len(answers) or not found.keys() <= ours:
        raise ValueError("another success, or ids that are doubled or not ours")
    return found


def _one(outcome: Outcome, batch: Reply, answer: Row | None) -> Outcome:
    """Return the outcome of one request.  The vendor's clock and the times of the exchange are the batch's."""
    if answer is None:
        return replace(outcome, reply=None, failure="the batch brought no answer to it")
    status, headers, body = answer.get("status"), answer.get("headers"), answer.get("body")
    own = {name.lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    own["date"] = batch.headers.get("date", "")
    content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    if not isinstance(status, int) or not 100 <= status < 600:
        failure = "the batch's answer to it has no status"
        return replace(outcome, reply=Reply(0, own, content), failure=failure)
    return replace(outcome, reply=Reply(status, own, content))
