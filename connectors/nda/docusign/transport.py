"""Requests to DocuSign through its SDK: in threads, within its limits, recorded, judged, retried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from docusign_esign import EnvelopesApi

from connectors.errors import Denied, Throttled
from connectors.kit.exchange import Exchange, Trace
from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace
from connectors.nda.docusign.client import THREADS, Client
from connectors.nda.docusign.errors import WHO
from connectors.nda.docusign.limits import BURST, HOUR


@dataclass(frozen=True, slots=True)
class Request:
    """
    One call of the SDK, the same for each try.  *what*: method and path with ids, for the evidence.  *absent*: the vendor's
    codes for "does not exist", which are answers to the caller and not failures.
    """

    doing: str
    what: str
    call: Callable[[EnvelopesApi, str], Any]
    absent: frozenset[str] = frozenset()


class Transport:
    """Requests for one account.  After a 401, gets a new token once."""

    def __init__(self, client: Client, pace: Pace, limits: Limits) -> None:
        self._client = client
        self._pace = pace
        self._limits = limits
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=WHO)

    async def aclose(self) -> None:
        """Wait for the calls under way: a call in a thread cannot be cancelled."""
        await asyncio.to_thread(self._threads.shutdown)
        self._client.close()

    async def send(self, request: Request, trace: Trace) -> Any:
        """
        Return the SDK's result; None for a code of *absent*.  A write is sent again only if it surely did nothing; raises
        `OutcomeUnknown` if it may have been carried out.
        """
        return await self._pace.run(lambda: self._attempt(request, trace))

    async def _attempt(self, request: Request, trace: Trace) -> Any:
        await self._in_thread(partial(self._client.sign_in, trace))
        try:
            return await self._once(request, trace)
        except Denied as exc:
            if exc.evidence[-1].status != 401:
                raise
        await self._in_thread(partial(self._client.sign_in, trace, anew=True))  # revoked: nothing was done
        return await self._once(request, trace)

    async def _once(self, request: Request, trace: Trace) -> Any:
        call = partial(request.call, self._client.envelopes, self._client.account)
        write = not request.what.startswith("GET ")
        async with self._limits.turn(HOUR, BURST, urgent=write):
            exchange = Exchange(WHO, request.doing, request.what, write=write)
            try:
                return await self._in_thread(partial(self._client.send, exchange, call, trace, request.absent))
            except Throttled as exc:
                self._limits.close(HOUR, exc.retry_after)
                raise

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
