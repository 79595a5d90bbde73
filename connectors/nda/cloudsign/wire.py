"""The way to CloudSign: its Web API 0.31 over httpx, paced, judged and recorded.  The vendor has no SDK for Python."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from connectors.errors import ConnectorError, Denied, NotOnPlan, Throttled
from connectors.kit.pacing import Pace
from connectors.nda.cloudsign.settings import Settings
from connectors.nda.exchange import Call, Reply, Trace
from connectors.settings import trust

WHO = "cloudsign"
BLOCKED = timedelta(minutes=1)
"""Beyond 800 requests a minute the vendor blocks a token, and lets it go after a minute: it names no time itself."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_EARLY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, the same however often it is tried.  *absent*: a 404 is an answer to the caller."""

    act: str
    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    absent: bool = False


class Wire:
    """Requests with one client id.  Its token lives for an hour; a newer one is fetched a minute before, or at a 401."""

    def __init__(self, settings: Settings, pace: Pace, *, patience: float = 30.0) -> None:
        self._client_id = settings.client_id
        self._pace = pace
        self._http = httpx.AsyncClient(
            base_url=settings.endpoint,
            verify=trust(settings.ca_bundle),
            timeout=patience,
            follow_redirects=False,
            trust_env=settings.endpoint.startswith("https:"),  # plain http must not leave this machine by a proxy
        )
        self._token: tuple[str, datetime] | None = None
        self._turn = asyncio.Lock()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def read(self, request: Request, trace: Trace) -> dict[str, Any] | None:
        """Return the answer's object; None for a 404 that was asked about."""
        reply = await self._pace.read(lambda: self._attempt(request, trace))
        return None if reply is None else _object(request, reply, trace)

    async def read_bytes(self, request: Request, trace: Trace) -> bytes:
        """Return the answer's bytes."""
        reply = await self._pace.read(lambda: self._attempt(request, trace))
        if reply is None or not reply.raw:
            raise _as_call(request).odd(trace, "empty")
        return reply.raw

    async def write(self, request: Request, trace: Trace) -> dict[str, Any]:
        """Send a write.  Only what surely did nothing is sent again; an unknown outcome raises `OutcomeUnknown`."""
        reply = await self._pace.write(lambda: self._attempt(request, trace))
        if reply is None:
            raise _as_call(request).odd(trace)
        return _object(request, reply, trace)

    async def _attempt(self, request: Request, trace: Trace) -> Reply | None:
        token = await self._bearer(trace)
        call, reply = await self._send(request, trace, {"Authorization": f"Bearer {token}"})
        if reply.status == 401:  # it ended early, or was revoked: nothing was done, a new one may do
            self._token = None
            headers = {"Authorization": f"Bearer {await self._bearer(trace)}"}
            call, reply = await self._send(request, trace, headers)
        if 200 <= reply.status < 300:
            return reply
        if reply.status == 404 and request.absent and _code(reply) == "not_found":
            return None
        raise _failure(call, reply, trace)

    async def _bearer(self, trace: Trace) -> str:
        async with self._turn:
            if self._token is None or self._token[1] <= datetime.now(UTC):
                self._token = await self._fetch_token(trace)
            return self._token[0]

    async def _fetch_token(self, trace: Trace) -> tuple[str, datetime]:
        began = datetime.now(UTC)
        form = {"client_id": self._client_id.get_secret_value()}
        request = Request("get a token", "POST", "/token", form=form)
        call, reply = await self._send(request, trace, {}, write=False)
        if not 200 <= reply.status < 300:
            if reply.status == 400:
                code = _code(reply)
                raise Denied(f"{WHO}: cannot get a token: {code}", code=code, evidence=tuple(trace))
            raise _failure(call, reply, trace)
        body = _object(request, reply, trace)
        token, seconds = body.get("access_token"), body.get("expires_in", 3600)
        if not isinstance(token, str) or not token.isascii() or not isinstance(seconds, int):
            raise call.odd(trace)
        return token, began + timedelta(seconds=seconds) - _EARLY

    async def _send(
        self, request: Request, trace: Trace, headers: Mapping[str, str], *, write: bool | None = None
    ) -> tuple[Call, Reply]:
        built = self._http.build_request(
            request.method,
            request.path,
            params=dict(request.query) or None,
            data=dict(request.form) if request.form is not None else None,
            files=dict(request.files) if request.files is not None else None,
            headers={"Accept": "application/json, application/pdf", **headers},
        )
        call = _as_call(request, body=await built.aread(), write=write)
        try:
            answer = await self._http.send(built)
        except httpx.HTTPError as exc:
            raise call.lost(exc, trace, never_sent=isinstance(exc, _NEVER_SENT)) from exc
        reply = Reply(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)
        trace.append(call.evidence(reply, _code(reply) if reply.status >= 400 else None))
        return call, reply


def _as_call(request: Request, *, body: bytes | None = None, write: bool | None = None) -> Call:
    what = f"{request.method} {request.path}"
    writes = request.method != "GET" if write is None else write
    query = urlencode(dict(request.query)) if request.method == "GET" else None
    return Call(WHO, request.act, what, query, body, writes, datetime.now(UTC))


def _object(request: Request, reply: Reply, trace: Trace) -> dict[str, Any]:
    body = reply.json()
    if body is None:
        raise _as_call(request).odd(trace)
    return body


def _code(reply: Reply) -> str:
    """The vendor's own word (errorModel), else the status: pages in front of it answer in HTML.  A redirect has no word."""
    body = reply.json() if reply.status >= 400 else None
    word = body.get("error") if body is not None else None
    return word if isinstance(word, str) and word.isidentifier() else str(reply.status)


def _failure(call: Call, reply: Reply, trace: Trace) -> ConnectorError:
    code = _code(reply)
    if code == "webapi_option_required":
        remedy = "Order the Web API option for this CloudSign user."
        return NotOnPlan(f"{WHO}: cannot {call.act}: {code}", code=code, evidence=tuple(trace), remedy=remedy)
    failure = call.refused(reply, code, trace)
    if isinstance(failure, Throttled) and failure.retry_after is None:
        failure.retry_after = BLOCKED
    return failure
