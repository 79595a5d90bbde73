"""
Collect a case's logs, as the flows call it: a little before the cut, the rest after it, and again from the sweep.

No cut waits for this, and no failure here changes what is cut: what could not be read is stated and tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import col, or_, select

from casework.activity import re_entry
from casework.activity.logs import opened
from casework.activity.passes import due_passes
from casework.activity.reading import LogReading
from casework.activity.summary import is_stale, summarise
from casework.context import Context
from casework.errors import EvidenceLocked
from casework.lifecycle import COLLECTED, TAKEN_BACK
from casework.truth.rows import accepted_accounts
from connectors.activity import ActivityLog
from connectors.errors import ConnectorError
from models.tables import Case
from models.vocabulary import CaseState, ConnectionId, DepartureKind

_log = logging.getLogger("lastday.activity")
_AT_ONCE = 4
"""Logs read at once for one service and one case: connectors read with the threads that also cut, and some must stay free."""
_BY_THE_SWEEP = 60.0
"""Seconds of one sweep for all cases' logs together: the next sweep continues where this one stopped."""
_TO_PROBE = 10.0
_CASES_AT_ONCE = 10
_GRACE = timedelta(days=60)
"""After the last collection pass: for the vendor's lag, policy's patience, and downtime of our machine."""
_T = TypeVar("_T")


def wanted(case: Case) -> bool:
    """Whether the person's logs may be read: not in a rehearsal, a leave of absence, an erased case, or after a notice was taken back."""
    departs = case.kind is not DepartureKind.LEAVE and case.state not in TAKEN_BACK
    return case.for_real and case.erased_at is None and departs


async def before_the_cut(context: Context, case_id: str) -> None:
    """Collect while the run waits for its instant, at most policy's seconds, and never beyond the instant."""
    case = context.case(case_id)
    left = (case.due_at - context.now()).total_seconds()
    seconds = min(context.policy.activity.before_seconds, left)
    if wanted(case) and case.kind is not DepartureKind.DISMISSAL and seconds > 0:
        await collect(context, case_id, seconds=seconds)


async def after_the_cut(context: Context, case_id: str, connection: ConnectionId) -> None:
    """Collect from one service after the cut, for policy's seconds.  The sweep continues it."""
    if wanted(context.case(case_id)):
        await collect(context, case_id, connection, seconds=context.policy.activity.after_seconds)


async def collect(context: Context, case_id: str, *connections: ConnectionId, seconds: float) -> None:
    """
    Read what is due of the case's logs in *connections* (none given: in all) for at most *seconds*.

    A log that another process is reading is left to that process.  Safe to repeat and to kill at any point.
    """
    if (evidence := context.evidence) is None:
        return
    deadline = context.now() + timedelta(seconds=seconds)
    known = await _probed(context, case_id, *connections, seconds=seconds)
    places: dict[ConnectionId, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
    await to_the_last(
        LogReading(context, evidence, account, source, row, deadline).carry_on(places[account.connection])
        for account, source, row in due_passes(context, case_id, known)
    )


async def _probed(context: Context, case_id: str, *connections: ConnectionId, seconds: float) -> list[ConnectionId]:
    """
    Return those of *connections* (none given: of all) in which the leaver has an account and whose logs are known.

    A connection that cannot be probed now is tried again later.
    """
    with context.store.read() as session:
        accounts = accepted_accounts(session, case_id, *connections)
    held = sorted({account.connection for account in accounts})
    logs = await asyncio.gather(*(opened(context, one, seconds) for one in held), return_exceptions=True)
    for connection, log in zip(held, logs, strict=True):
        if isinstance(log, BaseException) and not isinstance(log, ConnectorError):
            _log.warning("%s: its logs cannot be opened: %s", connection, type(log).__name__)
    return [connection for connection, log in zip(held, logs, strict=True) if isinstance(log, ActivityLog)]


async def conclude(context: Context, case_id: str) -> bool:
    """Summarise what was collected since the last summary; False if nothing is new, or another process is summarising."""
    if context.evidence is None or not is_stale(context, case_id):
        return False
    await _probed(context, case_id, seconds=_TO_PROBE)  # the summary says which logs there are
    try:
        await asyncio.to_thread(summarise, context, case_id, context.evidence)
    except EvidenceLocked:
        return False
    return True


async def go_on(context: Context) -> int:
    """Continue every collection that is incomplete or due again; return how many cases have a new summary."""
    until, places = context.now() + timedelta(seconds=_BY_THE_SWEEP), asyncio.Semaphore(_CASES_AT_ONCE)
    return sum(await to_the_last(_go_on(context, case_id, until, places) for case_id in _in_turn(context)))


def _in_turn(context: Context) -> list[str]:
    """
    Return the cases to continue, each time starting with another one, since a sweep may end before it reaches all.

    A closed case is included for a while after its cut only: not everybody who ever left, each minute.
    """
    again = max(context.policy.activity.again_hours, default=0.0)
    looked_at_since = context.now() - timedelta(hours=again) - _GRACE
    with context.store.read() as session:
        due = select(Case).where(
            col(Case.state).in_(COLLECTED), Case.due_at <= context.now(), col(Case.erased_at).is_(None),
            or_(col(Case.state) != CaseState.CLOSED, col(Case.contained_at) > looked_at_since),
        )  # fmt: skip
        cases = [case.id for case in session.exec(due.order_by(col(Case.due_at))).all() if wanted(case)]
    first = int(context.now().timestamp() // _BY_THE_SWEEP) % max(len(cases), 1)
    return [*cases[first:], *cases[:first]]


async def _go_on(context: Context, case_id: str, until: datetime, places: asyncio.Semaphore) -> bool:
    """Continue one case; True if it has a new summary."""
    async with places:
        try:
            await collect(context, case_id, seconds=(until - context.now()).total_seconds())
        finally:
            watching = is_stale(context, case_id)
            news = await conclude(context, case_id)  # what ended is summarised, even if another log failed
        if watching:
            await re_entry.watch(context, case_id)
        return news


async def to_the_last(steps: Iterable[Awaitable[_T]]) -> list[_T]:
    """Run all *steps* at once, each to its end; only then raise the exception of the first one that failed."""
    under_way = [asyncio.ensure_future(step) for step in steps]
    await asyncio.gather(*under_way, return_exceptions=True)
    return [step.result() for step in under_way]
