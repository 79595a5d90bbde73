"""Requests to CloudSign's Web API 0.31 over httpx (there is no SDK for Python): within its limits, recorded, judged, retried."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx

from connectors.errors import ConnectorError, Denied, Throttled
from connectors.kit.exchange import ErrorCodes, Exchange, Reply, Row, Trace, lower
from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace
from connectors.nda.cloudsign.answers import WHO
from connectors.nda.cloudsign.limits import BLOCKED, CALLS
from connectors.nda.cloudsign.settings import Settings
from connectors.settings import trust

CODES = ErrorCodes(
    not_on_plan=frozenset({"webapi_option_required"}),
    remedies={"webapi_option_required": "Order the Web API option for this CloudSign user."},
)
"""The words of errorModel."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_EARLY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, for each try.  *absent*: a 404 is an answer.  *signs_in*: it gets a token, and may be repeated."""

    doing: str
    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    absent: bool = False
    signs_in: bool = False

    def exchange(self, body: bytes | None = None) -> Exchange:
        query = urlencode(dict(self.query)) if self.method == "GET" else None
        write = self.method != "GET" and not self.signs_in
        return Exchange(WHO, self.doing, f"{self.method} {self.path}", query, body, write)


class Transport:
    """Requests with one client id.  A new token is fetched a minute before the old one ends (an hour), or after a 401."""

    def __init__(self, settings: Settings, pace: Pace, limits: Limits, *, patience: float) -> None:
        self._client_id = settings.client_id
        self._pace = pace
        self._limits = limits
        self._http = httpx.AsyncClient(
            base_url=settings.endpoint,
            headers={"Accept": "application/json, application/pdf"},
            verify=trust(settings.ca_bundle),
            timeout=patience,
            follow_redirects=False,
            trust_env=settings.endpoint.startswith("https:"),  # plain http is for this machine: no proxy
        )
        self._token: tuple[str, datetime] | None = None
        self._signing_in = asyncio.Lock()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def read(self, request: Request, trace: Trace) -> Row | None:
        """Return the answer's object; None for a 404 with *absent*."""
        reply = await self._pace.run(lambda: self._attempt(request, trace))
        return None if reply.status == 404 else _object(request, reply, trace)

    async def read_bytes(self, request: Request, trace: Trace) -> bytes:
        reply = await self._pace.run(lambda: self._attempt(request, trace))
        if not reply.content:
            raise request.exchange().unintelligible("empty", trace)
        return reply.content

    async def write(self, request: Request, trace: Trace) -> Row:
        """Send a write, again only if it surely did nothing.  Raises `OutcomeUnknown` if it may have been carried out."""
        reply = await self._pace.run(lambda: self._attempt(request, trace))
        return _object(request, reply, trace)

    async def _attempt(self, request: Request, trace: Trace) -> Reply:
        reply = await self._send(request, trace, await self._bearer(trace))
        if reply.status == 401:  # the token ended early or was revoked: nothing was done, try a new one
            self._token = None
            reply = await self._send(request, trace, await self._bearer(trace))
        absent = request.absent and reply.status == 404 and _code(reply) == "not_found"
        if not absent and not 200 <= reply.status < 300:
            raise self._failure(request, reply, trace)
        return reply

    async def _bearer(self, trace: Trace) -> str:
        async with self._signing_in:
            if self._token is None or self._token[1] <= datetime.now(UTC):
                self._token = await self._fetch_token(trace)
            return self._token[0]

    async def _fetch_token(self, trace: Trace) -> tuple[str, datetime]:
        began, form = datetime.now(UTC), {"client_id": self._client_id.get_secret_value()}
        request = Request("get a token", "POST", "/token", form=form, signs_in=True)
        reply = await self._send(request, trace, None)
        if not 200 <= reply.status < 300:
            raise self._failure(request, reply, trace)
        body = _object(request, reply, trace)
        token, seconds = body.get("access_token"), body.get("expires_in", 3600)
        if not isinstance(token, str) or not token.isascii() or not isinstance(seconds, int):
            raise request.exchange().unintelligible("no token in the answer", trace)
        return token, began + timedelta(seconds=seconds) - _EARLY

    async def _send(self, request: Request, trace: Trace, token: str | None) -> Reply:
        built = self._http.build_request(
            request.method, request.path, params=request.query or None, data=request.form, files=request.files
        )
        if token is not None:
            built.headers["Authorization"] = f"Bearer {token}"
        body = await built.aread()
        async with self._limits.turn(CALLS, urgent=request.method != "GET"):
            exchange = request.exchange(body)
            try:
                answer = await self._http.send(built)
            except httpx.HTTPError as exc:
                trace.append(exchange.evidence(None, type(exc).__name__))
                raise exchange.lost(exc, trace, never_sent=isinstance(exc, _NEVER_SENT)) from exc
        reply = Reply(answer.status_code, lower(answer.headers), answer.content)
        trace.append(exchange.evidence(reply, _code(reply)))
        return reply

    def _failure(self, request: Request, reply: Reply, trace: Trace) -> ConnectorError:
        code = _code(reply)
        if request.signs_in and reply.status == 400:  # RFC 6749, section 5.2: with any code the client gets no token
            return Denied(f"{WHO}: cannot {request.doing}: {code or 'HTTP 400'}", code=code, evidence=tuple(trace))
        failure = request.exchange().failure(reply, code, CODES, trace)
        if isinstance(failure, Throttled):
            if failure.retry_after is None:
                failure.retry_after = BLOCKED
            self._limits.close(CALLS, failure.retry_after)
        return failure


def _object(request: Request, reply: Reply, trace: Trace) -> Row:
    if reply.body is None:
        raise request.exchange().odd_success("not an object", trace)
    return reply.body


def _code(reply: Reply) -> str | None:
    """Return the vendor's code (errorModel); None for a redirect, and for the HTML of servers in front of it."""
    word = (reply.body or {}).get("error") if reply.status >= 400 else None
    return word if isinstance(word, str) and word.isidentifier() else None
