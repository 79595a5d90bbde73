"""The logs of a leaver's accounts: which there are, and how one is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from casework.connections import ready
from casework.context import Context
from connectors.activity import Activity, ActivityLog, ActivityPage, ActivitySource, Record, Window
from connectors.errors import NotOnPlan, Unintelligible, Unreachable
from connectors.matching import fold_email
from models.tables import CaseAccount, Collection
from models.vocabulary import Account, ConnectionId, Evidence, Json

Log: TypeAlias = tuple[ConnectionId, str, str]
"""A service, the leaver's account in it, and the log's name."""
LONGEST_ANSWER = 90.0
"""Seconds: longer than a connector's own patience with one request."""
_NOT_UNDERSTOOD = (Unintelligible, ArithmeticError, LookupError, TypeError, ValueError)
_YEARS = range(1990, 2200)
"""Of what a log may tell: a time elsewhere is none."""
_MOST_PAGES = 200
"""Of one log of one account that is read at one go: who cannot see the end says so."""


def logs_of(context: Context) -> Mapping[ConnectionId, ActivityLog]:
    """Return the services whose connectors read an activity log."""
    return {name: connector for name, connector in context.connectors.items() if isinstance(connector, ActivityLog)}


def logs_in(context: Context, accounts: Iterable[CaseAccount]) -> dict[Log, tuple[CaseAccount, ActivitySource]]:
    """Return each log of each of *accounts*, as far as it is known here which there are."""
    logs = logs_of(context)
    return {
        (account.connection, account.vendor_id, source.name): (account, source)
        for account in accounts
        if account.connection in logs
        for source in logs[account.connection].activity_sources
    }


def log_of(row: Collection) -> Log:
    return row.connection, row.account_id, row.source


def name_of(log: Log) -> str:
    """Return how a log is called in what people read; the account is not named."""
    return f"{log[0]}/{log[2]}"


Period: TypeAlias = "tuple[datetime | None, datetime | None]"
Names: TypeAlias = "Mapping[str, Sequence[Period]]"
"""Folded names of the leaver's accounts in one service, each with since when and until when it is theirs, as far as that is known."""


def names_of(
    accounts: Iterable[CaseAccount], row: Collection | None, connection: ConnectionId, *, contacts: bool
) -> Names:
    """
    Return what the logs of *connection* may call whoever has *accounts*: their ids, their primary addresses, and what the pass *row* asked
    for its account by, which says more of when a name was theirs.  What a pass brought is read by its own names: a later one may know less.

    *contacts*: their other addresses too, which is for logs that tell of the account alone: in one that tells of others, an administrator
    may act under such an address.
    """
    found: dict[str, list[Period]] = {}
    for account in (one for one in accounts if one.connection == connection):
        for name, periods in (_addresses(account, contacts=contacts) | _asked(account, row)).items():
            found.setdefault(name, []).extend(periods)
    return found


def _addresses(account: CaseAccount, *, contacts: bool) -> dict[str, list[Period]]:
    others = account.addresses.get("others", ()) if contacts else ()
    names = (account.vendor_id, account.label, *account.addresses.get("primary", ()), *others)
    return {fold_email(name): [(None, None)] for name in names if name}


def _asked(account: CaseAccount, row: Collection | None) -> dict[str, list[Period]]:
    if row is None or (row.connection, row.account_id) != (account.connection, account.vendor_id):
        return {}
    found: dict[str, list[Period]] = {}
    for name, times in (row.names or {}).items():
        periods = zip(times[::2], times[1::2], strict=True)
        found.setdefault(fold_email(name), []).extend((_instant(since), _instant(until)) for since, until in periods)
    return found


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


def is_theirs(names: Names, activity: Activity) -> bool:
    """Whether one of *names* did it, at a time at which that was theirs; a log that has no id of whoever did it may have the address."""
    return any(
        (since is None or since <= activity.at) and (until is None or activity.at < until)
        for since, until in names.get(fold_email(activity.actor_id or activity.actor or ""), ())
    )


async def opened(context: Context, connection: ConnectionId, seconds: float = LONGEST_ANSWER) -> ActivityLog:
    """
    Return the service's logs, probed within *seconds*: which there are depends on the plan.

    Raises `ConnectorError`; `NotOnPlan` for a service without any.
    """
    try:
        async with asyncio.timeout(seconds):
            connector = await ready(context, connection)
    except TimeoutError as exc:
        raise Unreachable(f"{connection}: cannot be probed: no answer") from exc
    if not isinstance(connector, ActivityLog):
        raise NotOnPlan(f"{connection}: has no log")
    return connector


async def answer(
    log: ActivityLog, account: Account, source: str, window: Window, cursor: str | None = None
) -> ActivityPage:
    """Ask for a page.  Whoever gives none and no reason either counts as out of reach: nothing here waits for ever."""
    try:
        async with asyncio.timeout(LONGEST_ANSWER):
            return await log.activity(account, source, window, cursor)
    except TimeoutError as exc:
        raise Unreachable(f"{account.connection}: cannot read {source}: no answer") from exc


async def doings(
    log: ActivityLog, account: Account, source: str, window: Window
) -> AsyncIterator[tuple[Activity, Sequence[Evidence]]]:
    """
    Yield what a log tells, read at one go, with the answer that told it.

    Raises `ConnectorError` where its end cannot be seen now.
    """
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await answer(log, account, source, window, cursor)
        for record in page.records:
            for done in understood(log, source, record.raw) or ():
                yield done, page.evidence
        cursor = page.cursor
        if cursor is None:
            return
        if page.wait > timedelta(0):
            break
    raise Unreachable(f"{account.connection}: cannot read {source} to its end")


def understood(log: ActivityLog, source: str, raw: Mapping[str, Json]) -> Sequence[Activity] | None:
    """Return what a record tells; None, which is not nothing, where it cannot be understood."""
    try:
        done = log.describe(source, raw)
    except _NOT_UNDERSTOOD:
        return None
    return done if all(one.at.year in _YEARS for one in done) else None


def recorded(log: ActivityLog, source: str, raw: Mapping[str, Json]) -> Record | None:
    """Return what was read as *raw*; None where not even that can be seen."""
    try:
        record = log.record(source, raw)
    except _NOT_UNDERSTOOD:
        return None
    return record if record.at.year in _YEARS else None
