"""
Calls through the official SDK: in threads of their own, once each, waited for by `Pace`, every exchange recorded.

The SDK's service objects are shared only for building requests; what sends them belongs to one thread.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import http.client
import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import httplib2
from googleapiclient import discovery, discovery_cache
from googleapiclient.errors import HttpError

from connectors.errors import ConnectorError, Unintelligible
from connectors.google_workspace import failures
from connectors.google_workspace.settings import Settings
from connectors.google_workspace.shape import Row, listed
from connectors.google_workspace.tokens import Tier, Tokens
from connectors.google_workspace.wire import TIMEOUT, Recorder, Wire
from connectors.kit.pacing import Pace
from connectors.kit.semaphore import PrioritySemaphore
from models.vocabulary import Evidence

Log: TypeAlias = "list[Evidence]"
THREADS = 8
"""The Directory refuses too many calls at once for one tenant, and that limit cannot be raised."""


@dataclass(frozen=True, slots=True)
class Ask:
    """
    One request to be.  *build* makes the SDK's request afresh for each attempt, since sending changes it.

    *doing* completes "cannot …" and names ids only.  *urgent*: goes before what waits, as every write does.
    """

    doing: str
    scope: str
    build: Callable[[], Any]
    tier: Tier = "read"
    urgent: bool = False

    @property
    def write(self) -> bool:
        """Only revoking uses the write tier, and uses it for nothing else."""
        return self.tier == "write"


class Transport:
    """The way to one tenant.  Opens no connection until it is asked for something."""

    def __init__(self, settings: Settings, pace: Pace, *, timeout: float = TIMEOUT) -> None:
        self.pace = pace
        self._settings = settings
        self._timeout = timeout
        files: dict[Tier, Any] = {
            "read": settings.credentials_file,
            "write": settings.write_credentials_file or settings.credentials_file,
        }
        self._tokens = Tokens(files, settings.admin_subject)
        self.directory = build("directory_v1", settings.endpoint)
        self.reports = build("reports_v1", settings.endpoint)
        self._turns = PrioritySemaphore(THREADS)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="google_workspace")
        self._local = threading.local()
        self._wires: list[Wire] = []
        self._lock = threading.Lock()

    async def read(self, ask: Ask, log: Log) -> Row:
        """Return one JSON object; raises `ConnectorError`.  Each exchange is added to *log*, failed ones too."""
        body = await self.pace.read(functools.partial(self._in_thread, ask, log))
        if not isinstance(body, dict):
            raise Unintelligible(f"{failures.WHO}: cannot {ask.doing}: not a JSON object", evidence=tuple(log[-1:]))
        return body

    async def whole(self, ask: Ask, key: str, log: Log) -> list[Row]:
        """Return the rows of a list that Google gives in one page; raises `Unintelligible` if there is a next one."""
        body = await self.read(ask, log)
        if body.get("nextPageToken"):
            raise Unintelligible(f"{failures.WHO}: cannot {ask.doing}: a list without pages has a next one")
        return listed(body, key, ask.doing)

    async def write(self, ask: Ask, log: Log) -> Any:
        """Send a write, again only after what surely did nothing.  Returns what the SDK does, which may be empty."""
        return await self.pace.write(functools.partial(self._in_thread, ask, log))

    async def exchange(self, tier: Tier, scope: str) -> None:
        """Get a token and use it for nothing; raises `ConnectorError`."""
        await self.pace.read(functools.partial(self._run, lambda: self._tokens.bearer(self._wire(), tier, scope)))

    async def pages(
        self, ask: Callable[[str | None], Ask], key: str, log: Log, *, most: int | None = None
    ) -> list[Row]:
        """Return all rows under *key*, to the last page: see `each_page`."""
        return [row async for rows in self.each_page(ask, key, log, most=most) for row in rows]

    async def each_page(
        self, ask: Callable[[str | None], Ask], key: str, log: Log, *, most: int | None = None
    ) -> AsyncIterator[list[Row]]:
        """
        Yield the rows under *key*, page by page, to the last one.  A page without rows is not the last one.

        Raises `Unintelligible` for a page token that comes twice, and for more than *most* rows or pages.
        """
        found = 0
        token: str | None = None
        seen: set[str] = set()
        while True:
            asked = ask(token)
            body = await self.read(asked, log)
            rows = listed(body, key, asked.doing)
            yield rows
            found += len(rows)
            token = body.get("nextPageToken")
            if not token:
                return
            why = _no_further(token, seen, found, most)
            if why is not None:
                raise Unintelligible(f"{failures.WHO}: cannot {asked.doing}: {why}", evidence=tuple(log[-1:]))
            seen.add(token)

    async def aclose(self) -> None:
        """Wait for what is under way, then close every thread's connections."""
        await asyncio.to_thread(self._pool.shutdown)
        for wire in self._wires:
            wire.close()

    async def _run(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _in_thread(self, ask: Ask, log: Log) -> Any:
        async with self._turns.place(urgent=ask.write or ask.urgent):
            return await self._run(functools.partial(self._send, ask, log))

    def _send(self, ask: Ask, log: Log) -> Any:
        """Send once; a second time only with a new token after 401, which says that nothing was done."""
        wire = self._wire()
        bearer = self._bearer(wire, ask, log)
        recorder = Recorder(wire, bearer)
        try:
            return self._execute(ask, recorder, log)
        except ConnectorError:
            if recorder.answer is None or recorder.answer.status != 401:
                raise
        return self._execute(ask, Recorder(wire, self._bearer(wire, ask, log, stale=bearer)), log)

    def _bearer(self, wire: Wire, ask: Ask, log: Log, stale: str | None = None) -> str:
        try:
            return self._tokens.bearer(wire, ask.tier, ask.scope, stale=stale)
        except ConnectorError as error:
            log.extend(error.evidence)
            raise

    def _execute(self, ask: Ask, recorder: Recorder, log: Log) -> Any:
        request = ask.build()
        try:
            body = request.execute(http=recorder, num_retries=0)
        except (HttpError, TypeError, ValueError) as exc:
            # TypeError is what the SDK makes of a refusal in the shape of a list, ValueError of a page that is not JSON
            raise self._failed(ask, recorder, exc) from _scrubbed(exc)
        except (OSError, http.client.HTTPException, httplib2.HttpLib2Error) as exc:
            evidence = (recorder.evidence,) if recorder.evidence is not None else ()
            raise failures.of_loss(ask.doing, exc, write=ask.write, evidence=evidence) from exc
        finally:
            if recorder.evidence is not None:
                log.append(recorder.evidence)
        if not ask.write and recorder.answer is not None and recorder.answer.status != 200:
            # the SDK makes an empty object of 204: "looked, found none", though nobody looked
            raise self._failed(ask, recorder, ValueError(recorder.answer.status))
        return body

    def _failed(self, ask: Ask, recorder: Recorder, exc: Exception) -> ConnectorError:
        if recorder.answer is None or recorder.evidence is None:
            raise exc
        evidence = (recorder.evidence,)
        if 200 <= recorder.answer.status < 300:
            return Unintelligible(f"{failures.WHO}: cannot {ask.doing}: not JSON", evidence=evidence)
        return failures.of_answer(ask.doing, ask.scope, recorder.answer, write=ask.write, evidence=evidence)

    def _wire(self) -> Wire:
        wire: Wire | None = getattr(self._local, "wire", None)
        if wire is None:
            wire = Wire(ca_bundle=self._settings.ca_bundle, timeout=self._timeout)
            self._local.wire = wire
            with self._lock:
                self._wires.append(wire)
        return wire


def _no_further(token: Any, seen: set[str], found: int, most: int | None) -> str | None:
    """Return why the next page must not be read, None if it may."""
    if not isinstance(token, str):
        return "the page token is not a text"
    if token in seen:
        return "the same page again"
    if most is not None and len(seen) >= most:
        return f"more than {most} pages"
    if most is not None and found > most:
        return f"more than {most} rows"
    return None


def build(version: str, root: str) -> Any:
    """
    Return the SDK's service for *root*, batches included: `client_options.api_endpoint` would leave those with Google.

    The description comes from the wheel; nothing is fetched.
    """
    document = copy.copy(_description(version))
    document["rootUrl"] = root
    for other in ("mtlsRootUrl", "baseUrl"):
        document.pop(other, None)
    return discovery.build_from_document(document, http=_Nowhere())


@functools.cache
def _description(version: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(discovery_cache.get_static_doc("admin", version))
    return document


class _Nowhere:
    """Given to the shared service objects, so that nothing can be sent through them by mistake."""

    def request(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("requests are sent by a thread's own wire")

    def close(self) -> None:
        """Nothing is open."""


def _scrubbed(exc: Exception) -> Exception:
    """Take the address and the vendor's text out of the SDK's error: both name people."""
    if isinstance(exc, HttpError):
        exc.uri, exc.content, exc.reason, exc.error_details = None, b"", "", ""
    return exc
