"""The logs of a leaver's accounts: list them, and read them page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from casework.connections import ready
from casework.context import Context
from connectors.activity import Activity, ActivityLog, ActivityPage, ActivityRecord, ActivitySource, Window
from connectors.errors import NotOnPlan, Unintelligible, Unreachable
from connectors.matching import fold_email
from models.tables import CaseAccount, Collection
from models.vocabulary import Account, ConnectionId, Evidence, Json

Log: TypeAlias = tuple[ConnectionId, str, str]
"""A service, the leaver's account in it, and the log's name."""
LONGEST_ANSWER = 90.0
"""Seconds for one page: longer than a connector's own timeout of one request."""
_NOT_UNDERSTOOD = (Unintelligible, ArithmeticError, LookupError, TypeError, ValueError)
_YEARS = range(1990, 2200)
"""Years of a plausible record: a record with a time outside them counts as not understood."""
_MOST_PAGES = 200
"""Pages of one log of one account that is read in one call; a log with more raises."""


def logs_of(context: Context) -> Mapping[ConnectionId, ActivityLog]:
    """Return the services whose connectors read an activity log."""
    return {name: connector for name, connector in context.connectors.items() if isinstance(connector, ActivityLog)}


def logs_in(context: Context, accounts: Iterable[CaseAccount]) -> dict[Log, tuple[CaseAccount, ActivitySource]]:
    """Return each log of each of *accounts*, for connectors that read logs and have been probed."""
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
    """Return a log's name for people to read, without the account."""
    return f"{log[0]}/{log[2]}"


Period: TypeAlias = "tuple[datetime | None, datetime | None]"
Names: TypeAlias = "Mapping[str, Sequence[Period]]"
"""
Folded names of the leaver's accounts in one service, each with the periods (since, until) in which it is theirs; None: not known.  A name without
a period is not known to be theirs at any time.
"""


def names_of(
    accounts: Iterable[CaseAccount], row: Collection | None, connection: ConnectionId, *, contacts: bool
) -> Names:
    """
    Return the names of *accounts* in the logs of *connection*: ids, primary addresses, former names until lastday found the next one, and the
    names by which the pass *row* searched for its account, with their periods.  Read a pass's records by that pass's names: a later pass may
    know fewer periods.

    *contacts*: other addresses are theirs too.  Only for logs of the account alone: in a log of others' acts, an administrator may act under
    such an address, which then has no period.
    """
    found: dict[str, list[Period]] = {}
    for account in (one for one in accounts if one.connection == connection):
        for name, periods in (_addresses(account, contacts=contacts) | _asked(account, row)).items():
            found.setdefault(name, []).extend(periods)
    return found


def _addresses(account: CaseAccount, *, contacts: bool) -> dict[str, list[Period]]:
    found = sorted(
        (datetime.fromisoformat(since), name) for name, since in (account.addresses.get("names") or {}).items()
    )
    former: dict[str, list[Period]] = {name: [(None, until)] for (_, name), (until, _) in pairwise(found)}
    names = (account.vendor_id, account.label, *account.addresses.get("primary", ()))
    others: list[Period] = [(None, None)] if contacts else []
    return (
        {fold_email(name): others for name in account.addresses.get("others", ())}
        | former
        | {fold_email(name): [(None, None)] for name in names if name}
    )


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
    """Whether one of *names* did it, in a period in which the name was theirs."""
    return is_of(names, _actor(activity), activity.at)


def is_of(names: Names, name: str, at: datetime) -> bool:
    """Whether *name* is one of *names* in a period with the time *at*."""
    return any(
        (since is None or since <= at) and (until is None or at < until)
        for since, until in names.get(fold_email(name), ())
    )


def may_be_theirs(names: Names, activity: Activity) -> bool:
    """Whether one of *names* did it, at any time."""
    return _actor(activity) in names


def _actor(activity: Activity) -> str:
    """Return who did it, folded: the actor's id, without one the address."""
    return fold_email(activity.actor_id or activity.actor or "")


async def opened(context: Context, connection: ConnectionId, seconds: float = LONGEST_ANSWER) -> ActivityLog:
    """
    Return the service's connector, probed within *seconds*: which logs it has depends on the plan.

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
    """Read a page.  Raises `ConnectorError`; `Unreachable` where no answer comes within `LONGEST_ANSWER`."""
    try:
        async with asyncio.timeout(LONGEST_ANSWER):
            return await log.activity(account, source, window, cursor)
    except TimeoutError as exc:
        raise Unreachable(f"{account.connection}: cannot read {source}: no answer") from exc


async def doings(
    log: ActivityLog, account: Account, source: str, window: Window
) -> AsyncIterator[tuple[Activity, Sequence[Evidence]]]:
    """
    Read a log in one call and yield its activities, each with the evidence of its page.  Records that cannot be understood are left out.

    Raises `ConnectorError` where the log's end cannot be reached now.
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
    """Return a record's activities; None (not an empty sequence) where it cannot be understood."""
    try:
        done = log.describe(source, raw)
    except _NOT_UNDERSTOOD:
        return None
    return done if all(one.at.year in _YEARS for one in done) else None


def recorded(log: ActivityLog, source: str, raw: Mapping[str, Json]) -> ActivityRecord | None:
    """Return the id and time of the record *raw*; None where not even they can be read."""
    try:
        record = log.record(source, raw)
    except _NOT_UNDERSTOOD:
        return None
    return record if record.at.year in _YEARS else None
