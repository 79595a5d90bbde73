"""The way to Slack: requests through the official clients, paced, judged and recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors.errors import Throttled, Unintelligible
from connectors.kit.pacing import Pace
from connectors.slack.answers import Answer, Reading, read_audit, read_scim, read_web, scopes
from connectors.slack.clients import Clients
from connectors.slack.codes import failure, word
from connectors.slack.exchange import BROKEN, Record, Reply, Trace, lost
from connectors.slack.lanes import Lanes
from connectors.slack.settings import Purpose, Settings

NOTHING: frozenset[str] = frozenset()
HALF_A_WINDOW = timedelta(seconds=30)
THREADS = 32
"""A request holds a thread while it waits; the interpreter's own pool has six on a small machine, and serves everybody."""


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, the same however often it is tried.  *unsaid*: how long to wait where Slack does not say."""

    act: str
    what: str
    lane: str
    query: str | None
    body: bytes | None
    send: Callable[[], Reply]
    read: Callable[[Reply], Reading]
    trace: Trace
    write: bool = False
    expect: frozenset[str] = field(default=NOTHING)
    unsaid: timedelta | None = None


class Transport:
    """Requests to one tenant.  *timeout* is in whole seconds, as the SDK has it, for connecting and for each read."""

    def __init__(self, settings: Settings, pace: Pace, *, timeout: int = 20) -> None:
        self._settings = settings
        self._pace = pace
        self._clients = Clients(settings, timeout=timeout)
        self._lanes = Lanes(pace.sleep, pace.longest)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="slack")
        self._web_path, self._scim_path, self._audit_path = (
            urlsplit(url).path for url in (settings.web_endpoint, settings.scim_endpoint, settings.audit_endpoint)
        )

    async def aclose(self) -> None:
        """Wait for what is under way: a write in a thread cannot be called back."""
        await asyncio.to_thread(self._pool.shutdown)

    def purposes(self) -> list[list[Purpose]]:
        """Return the purposes, those that one token fills together."""
        found: dict[str, list[Purpose]] = {}
        for purpose in Purpose:
            found.setdefault(self._settings.secret(purpose), []).append(purpose)
        return list(found.values())

    async def web(
        self,
        method: str,
        arguments: Mapping[str, str],
        trace: Trace,
        *,
        purpose: Purpose = Purpose.BOT,
        write: bool = False,
        expect: frozenset[str] = NOTHING,
    ) -> Answer:
        """Call a method of the Web API.  *expect*: codes that are answers to the caller, not failures."""
        sent = dict(arguments)
        about = "/".join(v for k, v in sorted(sent.items()) if k in {"user", "user_id", "team_id", "usergroup"})
        form = urlencode(sent)
        request = _Request(
            act=f"call {method}",
            lane=method,
            unsaid=HALF_A_WINDOW,
            what=f"POST {self._web_path}{method}" + (f" ({about})" if about else ""),
            query=None if write else form,
            body=form.encode() or None,
            send=lambda: self._clients.web(method, sent, self._settings.secret(purpose)),
            read=read_web,
            trace=trace,
            write=write,
            expect=expect,
        )
        return await self._paced(request)

    async def scim(
        self,
        verb: str,
        path: str,
        trace: Trace,
        *,
        query: Mapping[str, str | int] | None = None,
        body: dict[str, Any] | None = None,
        expect: frozenset[str] = NOTHING,
    ) -> Answer:
        """Call SCIM v2: the version whose answers to a deletion and to a patch Slack documents best."""
        request = _Request(
            act=f"{verb.lower()} {path} over SCIM",
            lane=f"{verb} {path}",  # SCIM's limits are wide: what it says wait for is mostly one locked object
            what=f"{verb} {self._scim_path}v2/{path}",
            query=urlencode(query or {}) if verb == "GET" else None,
            body=None if body is None else json.dumps(body).encode(),
            send=lambda: self._clients.scim(verb, path, query, body),
            read=read_scim,
            trace=trace,
            write=verb != "GET",
            expect=expect,
        )
        return await self._paced(request)

    async def audit(self, trace: Trace, **query: str | int) -> Answer:
        """Read the audit logs, the newest first, one page."""
        request = _Request(
            act="read the audit logs",
            lane="audit",
            what=f"GET {self._audit_path}logs",
            query=urlencode(query),
            body=None,
            send=lambda: self._clients.audit(query),
            read=read_audit,
            trace=trace,
        )
        return await self._paced(request)

    async def pages(
        self,
        method: str,
        arguments: Mapping[str, str],
        trace: Trace,
        *,
        purpose: Purpose = Purpose.BOT,
        expect: frozenset[str] = NOTHING,
    ) -> AsyncIterator[Answer]:
        """Follow cursors to the end.  An empty page is no end; a cursor that comes again is `Unintelligible`."""
        cursor, seen = "", set[str]()
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = await self.web(method, {**arguments, **more}, trace, purpose=purpose, expect=expect)
            yield answer
            cursor = (answer.body.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
            if cursor in seen:
                raise Unintelligible(f"slack: cannot call {method}: a page's cursor came twice", evidence=tuple(trace))
            seen.add(cursor)

    async def scim_users(self, trace: Trace, *, query: str | None = None) -> list[dict[str, Any]]:
        """
        Return all SCIM users, or those that *query* (a filter) finds.

        Pages short of the total are `Unintelligible`, and so is a user that comes twice: a server that begins at the first
        page again fills the total with the same people.
        """
        found: list[dict[str, Any]] = []
        while True:
            asked: dict[str, str | int] = {"startIndex": len(found) + 1, "count": 1000}
            if query is not None:
                asked["filter"] = query
            answer = await self.scim("GET", "Users", trace, query=asked)
            total = answer.body.get("totalResults")
            page = [] if total == 0 and "Resources" not in answer.body else answer.rows("Resources")
            found += page
            if not isinstance(total, int) or (not page and len(found) < total):
                raise Unintelligible("slack: cannot read the SCIM users: fewer than their total", evidence=tuple(trace))
            if len({str(user.get("id")) for user in found}) < len(found):
                raise Unintelligible("slack: cannot read the SCIM users: one came twice", evidence=tuple(trace))
            if len(found) >= total:
                return found

    # -- one try ------------------------------------------------------------------------------------------------------

    async def _paced(self, request: _Request) -> Answer:
        tries = self._pace.write if request.write else self._pace.read
        return await tries(lambda: self._try(request))

    async def _try(self, request: _Request) -> Answer:
        async with self._lanes.turn(request.lane):
            record = Record(request.what, request.query, request.body)
            try:
                reply = await asyncio.get_running_loop().run_in_executor(self._pool, request.send)
            except BROKEN as error:
                request.trace.append(record.close(None))
                raise lost(request.act, error, write=request.write, evidence=tuple(request.trace)) from error
        body, code = (None, None) if reply.is_redirect else request.read(reply)
        request.trace.append(record.close(reply, word(code)))
        if body is not None and code is None:
            return Answer(body, reply.headers, evidence=tuple(request.trace))
        if body is not None and code in request.expect and reply.status != 429 and reply.status < 500:
            return Answer(body, reply.headers, code, tuple(request.trace))
        refusal = failure(
            request.act,
            reply,
            word(code),
            needed=scopes((body or {}).get("needed")),
            write=request.write,
            evidence=tuple(request.trace),
        )
        if isinstance(refusal, Throttled):
            self._lanes.close(request.lane, refusal.retry_after or request.unsaid)
        raise refusal
