"""Reading the logs page by page: `activities.list`, newest first, raw."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from connectors.activity import ActivityPage, ActivityRecord, UnreadSpan, Window
from connectors.errors import ConnectorError, CursorExpired, NotOnPlan, NotRecorded, Unintelligible
from connectors.google_workspace import manifest
from connectors.google_workspace.activity import cursors
from connectors.google_workspace.activity.cursors import PageCursor
from connectors.google_workspace.activity.records import PLACEHOLDER, names, record
from connectors.google_workspace.activity.sources import BY_NAME, KEEPS, OWN, QUERIES
from connectors.google_workspace.answers import listed, rfc3339
from connectors.google_workspace.errors import WHO, RequestRejected
from connectors.google_workspace.limits import FILTERED, REPORTS
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.transport import Request
from connectors.kit.exchange import Row, Trace
from connectors.kit.semaphore import PrioritySemaphore
from models.vocabulary import Account

PAGE = 1000
_AT_ONCE = 3
"""Pages read at once.  Our choice, of the eight places of `Limit.at_once`: the reads that prove a cut need the others."""
_MOMENT = timedelta(hours=1)
"""Our choice: a window that begins up to an hour before what Google keeps was computed a moment ago, and has no gap."""


class LogReader:
    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._places = PrioritySemaphore(_AT_ONCE)

    async def page(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        if source not in BY_NAME:
            raise ConnectorError(f"{WHO}: cannot read activity: no such log: {source}")
        if cursor is not None:
            return await self._read(cursors.read(cursor, source, account.id), account, window, ())
        now = datetime.now(UTC)
        lacking = tuple(_known_gaps(source, account, window, now))
        from_at = max(window.from_at, now - KEEPS)
        if from_at >= min(window.until_at, now):
            return ActivityPage((), None, (), gaps=lacking)
        return await self._read(PageCursor(source, account.id, from_at, window.until_at), account, window, lacking)

    async def _read(
        self, position: PageCursor, account: Account, window: Window, lacking: tuple[UnreadSpan, ...]
    ) -> ActivityPage:
        trace: Trace = []
        query = QUERIES[position.source][position.query]
        try:
            position, body = await self._fetch(position, account, trace)
        except RequestRejected as error:
            if query.event is None or position.token is not None or error.status != 400:
                raise
            text = f"Google refuses to be asked for {query.event}: what others did to the account by that name was not looked for."
            return _page((), _next_walk(position, account, window), trace, (*lacking, UnreadSpan("refused", text)))
        rows = listed(body, "items", _doing(position))
        if query is OWN:
            _only_of(rows, account.id, position)
        records = [record(row) for row in rows]
        token = body.get("nextPageToken") or None
        if token is not None and not isinstance(token, str):
            raise Unintelligible(f"{WHO}: cannot {_doing(position)}: the page token is not a text")
        read = position.onwards(token, [known.at for known in records])
        after: PageCursor | None = read
        if position.leads_back(token):
            after = _out_of_circle(read, trace)
        elif token is None:
            lacking += await self._emptiness(read, account, trace)
            after = _next_walk(read, account, window)
        asked_for = [known for known in records if window.from_at <= known.at < window.until_at]
        if query.parameter is not None:
            asked_for = [known for known in asked_for if names(known.raw, query.parameter, account.label)]
        return _page(asked_for, after, trace, lacking)

    async def _fetch(self, position: PageCursor, account: Account, trace: Trace) -> tuple[PageCursor, Row]:
        """Read a page; if Google no longer knows the token, read the remaining time without it."""
        try:
            return position, await self._ask(position, account, trace)
        except RequestRejected as error:
            if position.token is None or error.status not in {400, 410}:
                raise
            try:
                position = position.renewed()
            except CursorExpired as expired:
                raise CursorExpired(str(expired), code=error.code, evidence=trace) from error
        return position, await self._ask(position, account, trace)

    async def _ask(self, position: PageCursor, account: Account, trace: Trace) -> Row:
        query = QUERIES[position.source][position.query]
        return await self._list(
            _doing(position),
            trace,
            userKey=account.id if query is OWN else "all",
            applicationName=position.source,
            startTime=rfc3339(position.from_at),
            # rounded up to Google's milliseconds, so that records of the last one are included
            endTime=rfc3339(position.ends_at + timedelta(microseconds=-position.ends_at.microsecond % 1000)),
            eventName=query.event,
            filters=f"{query.parameter}=={account.label}" if query.parameter is not None else None,
            maxResults=PAGE,
            pageToken=position.token,
        )

    async def _list(self, doing: str, trace: Trace, **asked: Any) -> Row:
        def built() -> Any:
            request: Any = self._requests.activities.list(**asked)
            request.postproc = _parsed
            return request

        request = Request(doing, manifest.AUDIT_READ, built, limits=(FILTERED, REPORTS))
        async with self._places.place():
            return await self._requests.transport.read(request, trace)

    async def _emptiness(self, position: PageCursor, account: Account, trace: Trace) -> tuple[UnreadSpan, ...]:
        """
        Return or raise what it means that a whole walk found nothing: nothing happened, or nothing is recorded.

        Google gives an empty list in both cases: the edition has no Drive log, or nobody did anything.
        """
        source, is_own = position.source, QUERIES[position.source][position.query] is OWN
        if position.found or not is_own or source not in {"drive", "login"}:
            return ()
        if await self._any(account.id, source, trace):
            return ()
        if await self._any("all", source, trace):
            text = (
                f"In {KEEPS.days} days the Drive log has no record of account {account.id}, but has records of others: its edition "
                "may have no Drive log events.  That is not the same as no downloads."
            )
            return (UnreadSpan("plan", text),) if source == "drive" else ()
        if source == "drive" and await self._any("all", "login", trace):
            text = "it is empty for the whole tenant, though sign-ins are recorded"
            remedy = "The edition has no Drive log events, or nobody uses Drive: ask a person what was downloaded."
            raise NotOnPlan(f"{WHO}: cannot read the drive log: {text}", evidence=trace, remedy=remedy)
        raise NotRecorded(f"{WHO}: cannot read the {source} log: it is empty for the whole tenant", evidence=trace)

    async def _any(self, user_key: str, source: str, trace: Trace) -> bool:
        """Whether the log holds any record; an empty page with a next one counts."""
        asked = {"userKey": user_key, "applicationName": source, "maxResults": 1}
        body = await self._list(f"look into the {source} log", trace, **asked)
        return bool(listed(body, "items", f"look into the {source} log")) or "nextPageToken" in body


def _known_gaps(source: str, account: Account, window: Window, now: datetime) -> Iterator[UnreadSpan]:
    """Yield the gaps that are known before a reading: what Google does not have, and what cannot be asked for."""
    edge = now - KEEPS
    if window.from_at < edge - _MOMENT or window.until_at <= edge:
        text = f"Google keeps its logs for {KEEPS.days} days: what lies before {edge:%Y-%m-%d %H:%M} UTC is gone."
        yield UnreadSpan("retention", text, window.from_at, min(edge, window.until_at))
    if window.from_at >= now:
        yield UnreadSpan("not_yet", "The window has not begun.", window.from_at, window.until_at)
    if len(QUERIES[source]) > 1 and "@" not in account.label:
        text = "The account's address is not known, so what others did to it in this log was not looked for."
        yield UnreadSpan("address", text)


def _parsed(_: Any, content: bytes) -> Any:
    """Parse JSON in place of the SDK's parser, which takes twice as long; `json` accepts lone surrogates, orjson does not."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


def _page(
    records: Sequence[ActivityRecord], after: PageCursor | None, trace: Trace, lacking: tuple[UnreadSpan, ...]
) -> ActivityPage:
    return ActivityPage(records, after.as_cursor() if after is not None else None, tuple(trace), gaps=lacking)


def _next_walk(position: PageCursor, account: Account, window: Window) -> PageCursor | None:
    after = PageCursor(position.source, position.account_id, position.from_at, window.until_at, position.query + 1)
    has_more = after.query < len(QUERIES[position.source]) and "@" in account.label
    return after if has_more else None


def _out_of_circle(position: PageCursor, trace: Trace) -> PageCursor:
    try:
        return position.renewed()
    except CursorExpired as exc:
        raise Unintelligible(f"{WHO}: cannot {_doing(position)}: the same page again", evidence=trace) from exc


def _only_of(rows: list[Row], account_id: str, position: PageCursor) -> None:
    """Raise `Unintelligible` if all of a page's actors are other accounts: Google was seen to mix up answers."""
    actors = [actor.get("profileId") for row in rows if isinstance(actor := row.get("actor"), dict)]
    named = {actor for actor in actors if isinstance(actor, str)} - {PLACEHOLDER}
    if named and account_id not in named:
        raise Unintelligible(f"{WHO}: cannot {_doing(position)}: the records are another account's")


def _doing(position: PageCursor) -> str:
    return f"read the {position.source} log of {position.account_id}"
