"""
Requests through the official SDK: in own threads, each sent once, recorded, judged, retried by `Pace`.

Threads share the SDK's service objects for building requests; each thread sends over its own connections.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from connectors.errors import Denied, Throttled, Unintelligible
from connectors.google_workspace import errors
from connectors.google_workspace.answers import listed
from connectors.google_workspace.client import LOSSES, TIMEOUT, UNREAD, NotSent, SingleSendHttp, build, scrubbed
from connectors.google_workspace.errors import WHO
from connectors.google_workspace.limits import DIRECTORY, THREADS
from connectors.google_workspace.settings import Settings
from connectors.google_workspace.tokens import Tier, Tokens
from connectors.kit.exchange import Exchange, Reply, Row, Trace, lower
from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace
from connectors.kit.paging import MOST_PAGES, FollowedCursors

T = TypeVar("T")

MOST = 5000
"""Rows that one query may give at most.  Our choice."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request.  *build* makes the SDK's request anew for each try, since sending changes it.

    *doing* completes "cannot …" and names ids only.  *urgent*: goes before what waits, as every write does.  *limits*: which of
    `connectors.google_workspace.limits` it counts for, the narrowest first.  *of_account*: method and account, where one account has
    many such requests: if Google takes no token for one, it takes none for the others.
    """

    doing: str
    scope: str
    build: Callable[..., Any]
    tier: Tier = "read"
    urgent: bool = False
    limits: tuple[str, ...] = (DIRECTORY,)
    of_account: str | None = None

    @property
    def write(self) -> bool:
        """Whether it is a write; only writes use the write tier."""
        return self.tier == "write"


class Transport:
    """Requests to one tenant.  Opens no connection before the first one."""

    def __init__(self, settings: Settings, pace: Pace, limits: Limits, *, timeout: float = TIMEOUT) -> None:
        self._pace = pace
        self._limits = limits
        self._settings = settings
        self._timeout = timeout
        read = settings.credentials_file
        files: dict[Tier, Any] = {"read": read, "write": settings.write_credentials_file or read}
        self._tokens = Tokens(files, settings.admin_subject, self._run)
        self.directory = build("directory_v1", settings.endpoint)
        self.reports = build("reports_v1", settings.endpoint)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=WHO)
        self._local = threading.local()
        self._opened: list[SingleSendHttp] = []
        self._lock = threading.Lock()

    async def read(self, request: Request, trace: Trace) -> Row:
        """Return one JSON object; raises `ConnectorError`.  Each exchange is added to *trace*, failed ones too."""
        body = await self._pace.run(functools.partial(self._try, request, trace))
        if not isinstance(body, dict):
            raise Unintelligible(f"{WHO}: cannot {request.doing}: not a JSON object", evidence=trace)
        return body

    async def write(self, request: Request, trace: Trace) -> Any:
        """Send a write, again only if it surely did nothing.  Returns the SDK's result, which may be empty."""
        return await self._pace.run(functools.partial(self._try, request, trace))

    async def exchange(self, tier: Tier, scope: str) -> None:
        """Get a token and use it for nothing; raises `ConnectorError`."""
        await self._pace.run(lambda: self._tokens.of(tier, scope).bearer([]))

    async def pages(self, request: Request, key: str, trace: Trace, *, most: int = MOST) -> list[Row]:
        """Return all rows under *key*, to the last page: see `each_page`."""
        return [row async for rows in self.each_page(request, key, trace, most=most) for row in rows]

    async def each_page(
        self, request: Request, key: str, trace: Trace, *, most: int = MOST
    ) -> AsyncIterator[list[Row]]:
        """
        Yield the rows under *key*, page by page.  *request.build* gets the page's token, None for the first page.

        Raises `Unintelligible` for pages that `FollowedCursors` refuses, and for more than *most* rows.
        """
        found, token, marks = 0, None, FollowedCursors(WHO, request.doing, min(most, MOST_PAGES))
        while True:
            body = await self.read(replace(request, build=functools.partial(request.build, token)), trace)
            rows = listed(body, key, request.doing)
            yield rows
            found += len(rows)
            token = marks.follow(body.get("nextPageToken"), trace)
            if token is None:
                return
            if found > most:
                raise Unintelligible(f"{WHO}: cannot {request.doing}: more than {most} rows", evidence=trace)

    async def aclose(self) -> None:
        """Wait for the requests under way, then close every thread's connections."""
        await asyncio.to_thread(self._pool.shutdown)
        for http in self._opened:
            http.close()

    async def _try(self, request: Request, trace: Trace) -> Any:
        """
        Send once; a second time only with a new token after 401, which says that nothing was done.

        Google also says 401 where no token helps, as for the grants of a suspended user: see `Token.may_cure`.  Only requests that an
        account has many of are remembered: a block is one request, and always gets its new token.
        """
        token = self._tokens.of(request.tier, request.scope)
        bearer = await token.bearer(trace)
        try:
            return await self._send(request, bearer, trace)
        except Denied as refused:
            known = request.of_account is not None and not token.may_cure(request.of_account)
            if refused.evidence[-1].status != 401 or known:
                raise
        renewed = await token.bearer(trace, refused=bearer)
        try:
            return await self._send(request, renewed, trace)
        except Denied as refused:
            if refused.evidence[-1].status == 401 and request.of_account is not None:
                token.cannot_cure(request.of_account)
            raise

    async def _send(self, request: Request, bearer: str, trace: Trace) -> Any:
        sending, failed = Recorder(request, bearer), None
        async with self._limits.turn(*request.limits, urgent=request.urgent or request.write):
            try:
                body = await self._run(sending.execute)
            except (*UNREAD, *LOSSES) as exc:
                if sending.exchange is None:
                    raise  # the SDK could not build the request
                failed = exc
        trace += sending.trace
        reply = sending.reply
        if failed is None and (request.write or (reply is not None and reply.status == 200)):
            return body  # of a read's 204 the SDK makes an empty object, which would mean "looked, found none"
        raise self._error(sending, failed, trace) from scrubbed(failed)

    def _error(self, sending: Recorder, failed: Exception | None, trace: Trace) -> Exception:
        exchange, reply, request = sending.exchange, sending.reply, sending.asked
        if exchange is None:
            return AssertionError("the SDK has sent nothing")
        if reply is None:
            return exchange.lost(failed or "", trace, never_sent=isinstance(failed, NotSent))
        if 200 <= reply.status < 300:
            return exchange.odd_success("not JSON" if failed else f"HTTP {reply.status}", trace)
        error = errors.failure(exchange, reply, request.scope, trace)
        if isinstance(error, Throttled):
            self._limits.close(request.limits[0], error.retry_after)
        return error

    async def _run(self, work: Callable[[SingleSendHttp], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(self._http()))

    def _http(self) -> SingleSendHttp:
        http: SingleSendHttp | None = getattr(self._local, "http", None)
        if http is None:
            http = self._local.http = SingleSendHttp(ca_bundle=self._settings.ca_bundle, timeout=self._timeout)
            with self._lock:
                self._opened.append(http)
        return http


class Recorder:
    """The SDK's httplib2 object for one request: adds the token and keeps the exchange."""

    http: SingleSendHttp

    def __init__(self, asked: Request, bearer: str) -> None:
        self.asked = asked
        self.exchange: Exchange | None = None
        self.reply: Reply | None = None
        self.trace: Trace = []
        self._bearer = bearer

    def execute(self, http: SingleSendHttp) -> Any:
        """Build the request and send it over *http*; raises what the SDK raises."""
        self.http = http
        return self.asked.build().execute(http=self, num_retries=0)

    def request(
        self, uri: str, method: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, bytes]:
        """Send and record the exchange: digests, never contents, and a read's query."""
        what, query = _what(uri, method, body, headers or {})
        sent = body.encode() if body is not None else None
        self.exchange = Exchange(WHO, self.asked.doing, what, query, sent, self.asked.write)
        signed = dict(headers or {}) | {"authorization": f"Bearer {self._bearer}"}
        try:
            response, content = self.http.request(uri, method, body=body, headers=signed)
        except LOSSES:
            self.trace.append(self.exchange.evidence(None))
            raise
        self.reply = Reply(int(response.status), lower(response), content)
        self.trace.append(self.exchange.evidence(self.reply, errors.code_of(self.reply)))
        return response, content


def _what(uri: str, method: str, body: str | None, headers: Mapping[str, str]) -> tuple[str, str | None]:
    """Return method and path, and a read's query, which the SDK sends as a form (and says so in a header) if it is long."""
    meant, address = headers.get("x-http-method-override", method), urlsplit(uri)
    query = address.query if meant == method else body or ""
    return f"{meant} {address.path}", query if meant == "GET" else None
