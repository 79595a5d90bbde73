"""Reading the logs page by page: `activities.list`, newest first, raw."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from connectors.activity import ActivityPage, Gap, Record, Window
from connectors.errors import ConnectorError, Expired, NotOnPlan, NotRecorded, Unintelligible
from connectors.google_workspace import manifest
from connectors.google_workspace.activity import gaps, places
from connectors.google_workspace.activity.places import Place
from connectors.google_workspace.activity.records import PLACEHOLDER, names, record
from connectors.google_workspace.activity.sources import BY_NAME, KEEPS, OWN, QUERIES
from connectors.google_workspace.directory import Directory
from connectors.google_workspace.failures import WHO, Rejected
from connectors.google_workspace.rate import Rate
from connectors.google_workspace.shape import Row, listed, spelled
from connectors.google_workspace.transport import Ask, Log
from models.vocabulary import Account

PAGE = 1000
A_MINUTE, AT_ONCE = 150, 25
"""Queries: no minute has more than 175.  The rest of Google's 250 is for the readings that prove a cut."""
_ABREAST = 3
"""Of the transport's eight places, so that reading evidence leaves room for a cut."""


class Collector:
    """Reads of one tenant's logs."""

    def __init__(self, directory: Directory, rate: Rate, *, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._rate = rate
        self._now = now
        self._abreast = asyncio.Semaphore(_ABREAST)

    async def page(self, account: Account, source: str, window: Window, cursor: str | None) -> ActivityPage:
        """See `connectors.activity.ActivityLog.activity`."""
        if source not in BY_NAME:
            raise ConnectorError(f"{WHO}: cannot read activity: no such log: {source}")
        if cursor is not None:
            return await self._read(places.read(cursor, source, account.id), account, window, ())
        now = self._now()
        lacking = gaps.of_asking(source, account, window, now)
        from_at = max(window.from_at, now - KEEPS)
        if from_at >= min(window.until_at, now):
            return ActivityPage((), None, (), gaps=lacking)
        return await self._read(places.begin(source, account.id, from_at, window), account, window, lacking)

    async def _read(self, place: Place, account: Account, window: Window, lacking: tuple[Gap, ...]) -> ActivityPage:
        log: Log = []
        query = QUERIES[place.source][place.query]
        try:
            place, body = await self._fetch(place, account, log)
        except Rejected as error:
            if query.event is None or place.token is not None or error.status != 400:
                raise
            return _page((), _next_walk(place, account, window), log, (*lacking, gaps.refused(query.event)))
        rows = listed(body, "items", _doing(place))
        if query is OWN:
            _only_of(rows, account.id, place)
        records = [record(row) for row in rows]
        token = _token(body, place)
        read = place.onwards(token, [known.at for known in records])
        after: Place | None = read
        if place.leads_back(token):
            after = _out_of_circle(read, log)
        elif token is None:
            lacking += await self._emptiness(read, account, log)
            after = _next_walk(read, account, window)
        asked_for = [known for known in records if window.from_at <= known.at < window.until_at]
        if query.parameter is not None:
            asked_for = [known for known in asked_for if names(known.raw, query.parameter, account.label)]
        return _page(asked_for, after, log, lacking)

    async def _fetch(self, place: Place, account: Account, log: Log) -> tuple[Place, Row]:
        """Ask for a page; where Google no longer knows the token, ask for the time that is left instead."""
        try:
            return place, await self._ask(place, account, log)
        except Rejected as error:
            if place.token is None or error.status not in {400, 410}:
                raise
            try:
                place = place.renewed()
            except Expired as expired:
                raise Expired(str(expired), code=error.code, evidence=tuple(log)) from error
        return place, await self._ask(place, account, log)

    async def _ask(self, place: Place, account: Account, log: Log) -> Row:
        query = QUERIES[place.source][place.query]
        return await self._list(
            _doing(place),
            log,
            userKey=account.id if query is OWN else "all",
            applicationName=place.source,
            startTime=spelled(place.from_at),
            endTime=spelled(_up(place.ends_at)),
            eventName=query.event,
            filters=f"{query.parameter}=={account.label}" if query.parameter is not None else None,
            maxResults=PAGE,
            pageToken=place.token,
        )

    async def _list(self, doing: str, log: Log, **asked: Any) -> Row:
        async with self._abreast:
            await self._rate.wait()
            ask = Ask(doing, manifest.AUDIT_READ, lambda: self._request(asked))
            return await self._directory.transport.read(ask, log)

    def _request(self, asked: Mapping[str, Any]) -> Any:
        request: Any = self._directory.activities.list(**asked)
        request.postproc = _parsed
        return request

    async def _emptiness(self, place: Place, account: Account, log: Log) -> tuple[Gap, ...]:
        """
        Tell "nothing happened" from "nothing is recorded" when a whole walk found nothing.

        Google answers with an empty list where an edition has no Drive log, as it does where nobody did anything.
        """
        if place.found or QUERIES[place.source][place.query] is not OWN or place.source not in {"drive", "login"}:
            return ()
        if await self._any(account.id, place.source, log):
            return ()
        if await self._any("all", place.source, log):
            return (gaps.silent(account.id),) if place.source == "drive" else ()
        if place.source == "drive" and await self._any("all", "login", log):
            raise NotOnPlan(
                f"{WHO}: cannot read the drive log: it is empty for the whole tenant, though sign-ins are recorded",
                evidence=tuple(log),
                remedy="The edition has no Drive log events, or nobody uses Drive: ask a person what was downloaded.",
            )
        raise NotRecorded(
            f"{WHO}: cannot read the {place.source} log: it is empty for the whole tenant", evidence=tuple(log)
        )

    async def _any(self, user_key: str, source: str, log: Log) -> bool:
        """Whether the log holds anything at all; an empty page may have a next one."""
        asked = {"userKey": user_key, "applicationName": source, "maxResults": 1}
        body = await self._list(f"look into the {source} log", log, **asked)
        return bool(listed(body, "items", f"look into the {source} log")) or "nextPageToken" in body


def _parsed(_: Any, content: bytes) -> Any:
    """Stand in for the SDK's parser, which takes twice as long; what orjson refuses (half a surrogate) the other one takes."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


def _page(records: Sequence[Record], after: Place | None, log: Log, lacking: tuple[Gap, ...]) -> ActivityPage:
    return ActivityPage(records, after.spelled() if after is not None else None, tuple(log), gaps=lacking)


def _next_walk(place: Place, account: Account, window: Window) -> Place | None:
    after = place.next_query(window.until_at)
    has_more = after.query < len(QUERIES[place.source]) and "@" in account.label
    return after if has_more else None


def _out_of_circle(place: Place, log: Log) -> Place:
    try:
        return place.renewed()
    except Expired as exc:
        raise Unintelligible(f"{WHO}: cannot {_doing(place)}: the same page again", evidence=tuple(log)) from exc


def _only_of(rows: list[Row], account_id: str, place: Place) -> None:
    """Raise `Unintelligible` if a page of one account's doings is all somebody else's: mixed up answers have been seen."""
    actors = [actor.get("profileId") for row in rows if isinstance(actor := row.get("actor"), dict)]
    named = {actor for actor in actors if isinstance(actor, str)} - {PLACEHOLDER}
    if named and account_id not in named:
        raise Unintelligible(f"{WHO}: cannot {_doing(place)}: the records are another account's")


def _token(body: Row, place: Place) -> str | None:
    token = body.get("nextPageToken")
    if token is not None and not isinstance(token, str):
        raise Unintelligible(f"{WHO}: cannot {_doing(place)}: the page token is not a text")
    return token or None


def _doing(place: Place) -> str:
    return f"read the {place.source} log of {place.account_id}"


def _up(at: datetime) -> datetime:
    """Google's instants are whole milliseconds: what lies in the last one must not fall out."""
    return at + timedelta(microseconds=-at.microsecond % 1000)
