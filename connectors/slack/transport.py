"""Requests to Slack: recorded, judged, retried, and within the rate limits."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors.errors import Throttled, Unintelligible
from connectors.kit.exchange import Exchange, Reply, Row, Trace
from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace
from connectors.kit.paging import FollowedCursors
from connectors.slack.answers import CallOutcome, Judgement, of_audit, of_scim, of_web
from connectors.slack.client import Clients
from connectors.slack.errors import BROKEN, LOCKED, failure, lost
from connectors.slack.limits import AUDIT_LOGS, LIMITS, UNSAID, scim_sets
from connectors.slack.settings import Settings, TokenPurpose

NOTHING: frozenset[str] = frozenset()
THREADS = 2 * sum(limit.at_once for limit in LIMITS)
"""
One for each call that may be under way at once, so that a block never waits for one: twice the places, since urgent calls have as many of
their own.  They are made when they are needed.
"""


@dataclass(frozen=True, slots=True)
class _Request:
    """
    One request, the same for each try, which sends *exchange* anew.

    *limits*: the limits that it counts for, the narrowest first; *unsaid*: how long the first one rests when Slack throttles
    without a Retry-After.  *expect*: codes that are answers to the caller, not failures.
    """

    exchange: Exchange
    send: Callable[[], Reply]
    judge: Callable[[Reply], Judgement]
    limits: tuple[str, ...]
    expect: frozenset[str] = NOTHING
    unsaid: timedelta | None = None


class Transport:
    """Requests to one tenant.  *timeout* is in whole seconds, as the SDK has it, for connecting and for each read."""

    def __init__(self, settings: Settings, pace: Pace, limits: Limits, *, timeout: int = 20) -> None:
        self._settings, self._pace, self._limits = settings, pace, limits
        self._clients = Clients(settings, timeout=timeout)
        self._urgent = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="slack")
        self._web_path, self._scim_path, self._audit_path = (
            urlsplit(url).path for url in (settings.web_endpoint, settings.scim_endpoint, settings.audit_endpoint)
        )

    async def aclose(self) -> None:
        """Wait for the requests under way: a write in a thread cannot be cancelled."""
        await asyncio.to_thread(self._pool.shutdown)

    def urgently(self) -> Transport:
        """Return a copy for a cut: its reads go before all others that wait, as every write does."""
        urgent = copy.copy(self)
        urgent._urgent = True  # noqa: SLF001  # our own
        return urgent

    def purposes(self) -> list[list[TokenPurpose]]:
        found: dict[str, list[TokenPurpose]] = {}
        for purpose in TokenPurpose:
            found.setdefault(self._settings.secret(purpose), []).append(purpose)
        return list(found.values())

    async def web(
        self,
        method: str,
        arguments: Mapping[str, str],
        trace: Trace,
        *,
        purpose: TokenPurpose = TokenPurpose.BOT,
        write: bool = False,
        expect: frozenset[str] = NOTHING,
    ) -> CallOutcome:
        sent = dict(arguments)
        about = "/".join(v for k, v in sorted(sent.items()) if k in {"user", "user_id", "team_id", "usergroup"})
        what, form = f"POST {self._web_path}{method}" + (f" ({about})" if about else ""), urlencode(sent)
        exchange = Exchange("slack", f"call {method}", what, None if write else form, form.encode(), write)
        token = self._settings.secret(purpose)
        request = _Request(exchange, lambda: self._clients.web(method, sent, token), of_web, (method,), expect, UNSAID)
        return await self._pace.run(lambda: self._once(request, trace))

    async def admin_write(
        self, method: str, arguments: Mapping[str, str], trace: Trace, *, expect: frozenset[str]
    ) -> CallOutcome:
        """Call a method that writes, as the administrator."""
        return await self.web(method, arguments, trace, purpose=TokenPurpose.ADMIN, write=True, expect=expect)

    async def scim(
        self,
        verb: str,
        path: str,
        trace: Trace,
        *,
        query: Mapping[str, str | int] | None = None,
        body: dict[str, Any] | None = None,
        expect: frozenset[str] = NOTHING,
    ) -> CallOutcome:
        """Call SCIM v2, the version whose answers to DELETE and PATCH Slack documents best."""
        write, sent = verb != "GET", None if body is None else json.dumps(body).encode()
        doing, what = f"{verb.lower()} {path} over SCIM", f"{verb} {self._scim_path}v2/{path}"
        exchange = Exchange("slack", doing, what, None if write else urlencode(query or {}), sent, write)
        limits = scim_sets(verb, path)
        request = _Request(exchange, lambda: self._clients.scim(verb, path, query, body), of_scim, limits, expect)
        return await self._pace.run(lambda: self._once(request, trace))

    async def audit(self, trace: Trace, **query: str | int) -> CallOutcome:
        """Read one page of the audit logs, the newest entries first."""
        exchange = Exchange("slack", "read the audit logs", f"GET {self._audit_path}logs", urlencode(query))
        request = _Request(exchange, lambda: self._clients.audit(query), of_audit, (AUDIT_LOGS,))
        return await self._pace.run(lambda: self._once(request, trace))

    async def rows(
        self,
        method: str,
        key: str,
        arguments: Mapping[str, str],
        trace: Trace,
        *,
        purpose: TokenPurpose = TokenPurpose.BOT,
        none: frozenset[str] = NOTHING,
    ) -> list[Row]:
        """Return the objects under *key* of all pages.  *none*: codes that mean an empty list."""
        marks, mark, found = FollowedCursors("slack", f"call {method}"), None, list[Row]()
        while True:
            page = {**arguments, **({"cursor": mark} if mark else {})}
            answer = await self.web(method, page, trace, purpose=purpose, expect=none)
            if answer.code is None:
                found += answer.rows(key)
            mark = marks.follow((answer.body.get("response_metadata") or {}).get("next_cursor"), trace)
            if mark is None:
                return found

    async def scim_users(self, trace: Trace, *, query: str | None = None) -> list[Row]:
        """
        Return all SCIM users, or those that *query* (a filter) finds.

        Raises `Unintelligible` for fewer users than the total, and for a user that comes twice: a server that starts again at
        the first page reaches the total with the same people.
        """
        found: list[Row] = []
        while True:
            asked: dict[str, str | int] = {"startIndex": len(found) + 1, "count": 1000}
            if query is not None:
                asked["filter"] = query
            answer = await self.scim("GET", "Users", trace, query=asked)
            total = answer.body.get("totalResults")
            page = [] if total == 0 and "Resources" not in answer.body else answer.rows("Resources")
            found += page
            if not isinstance(total, int) or (not page and len(found) < total):
                raise Unintelligible("slack: cannot read the SCIM users: fewer than their total", evidence=trace)
            if len({str(user.get("id")) for user in found}) < len(found):
                raise Unintelligible("slack: cannot read the SCIM users: one came twice", evidence=trace)
            if len(found) >= total:
                return found

    async def _once(self, request: _Request, trace: Trace) -> CallOutcome:
        async with self._limits.turn(*request.limits, urgent=self._urgent or request.exchange.write):
            exchange = replace(request.exchange, sent_at=datetime.now(UTC))
            try:
                reply = await asyncio.get_running_loop().run_in_executor(self._pool, request.send)
            except BROKEN as error:
                trace.append(exchange.evidence(None))
                raise lost(exchange, error, trace) from error
        success, code = (False, None) if reply.is_redirect else request.judge(reply)
        trace.append(exchange.evidence(reply, code))
        if success or (code in request.expect and reply.status != 429 and reply.status < 500):
            return CallOutcome(reply.body or {}, reply.headers, code, tuple(trace))
        refusal = failure(exchange, reply, code, trace)
        if isinstance(refusal, Throttled) and code != LOCKED:
            wait = refusal.retry_after if refusal.retry_after is not None else request.unsaid
            self._limits.close(request.limits[0], wait)
        raise refusal
