"""
The collection of a case's logs, as the flows take it: a little before the cut, the rest after it, and again from the sweep.

Nothing here is awaited by a cut, and nothing that fails here changes what is cut.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlmodel import col, or_, select

from casework.activity import re_entry
from casework.activity.collecting import collect, probed, to_the_last
from casework.activity.summary import is_stale, summarise
from casework.context import Context
from casework.errors import InUse
from casework.lifecycle import COLLECTED, TAKEN_BACK
from models.tables import Case
from models.vocabulary import CaseState, ConnectionId, DepartureKind

_BY_THE_SWEEP = 60.0
"""Seconds that one turn gives all the cases' logs together: they go on from there in the next one."""
_TO_PROBE = 10.0
_CASES_AT_ONCE = 10
_GRACE = timedelta(days=60)
"""After the last look: for a vendor's lag, policy's patience, and a machine that was away."""


def wanted(case: Case) -> bool:
    """
    Whether the person's logs may be read: for a departure that is carried out, not for a leave of absence, and not for
    somebody who stays after all.
    """
    departs = case.kind is not DepartureKind.LEAVE and case.state not in TAKEN_BACK
    return case.for_real and case.erased_at is None and departs


async def before_the_cut(context: Context, case_id: str) -> None:
    """Collect while the run waits for its instant, at most policy's seconds, and never beyond the instant."""
    case = context.case(case_id)
    left = (case.due_at - context.now()).total_seconds()
    seconds = min(context.policy.activity.before_seconds, left)
    if wanted(case) and case.kind is not DepartureKind.DISMISSAL and seconds > 0:
        await collect(context, case_id, seconds=seconds)


async def after_the_cut(context: Context, case_id: str, connection: ConnectionId) -> int:
    """Collect from one service after the cut, for policy's seconds; return how many readings ended.  The sweep goes on."""
    if not wanted(context.case(case_id)):
        return 0
    return await collect(context, case_id, connection, seconds=context.policy.activity.after_seconds)


async def conclude(context: Context, case_id: str) -> bool:
    """Summarise what was collected since the last summary; False if nothing is new, or another process is at it."""
    if context.evidence is None or not is_stale(context, case_id):
        return False
    await probed(context, case_id, seconds=_TO_PROBE)  # the summary says which logs there are
    try:
        await asyncio.to_thread(summarise, context, case_id)
    except InUse:
        return False
    return True


async def go_on(context: Context) -> list[str]:
    """Go on with every collection that is not complete, or due again; return the cases that have news."""
    until = context.now() + timedelta(seconds=_BY_THE_SWEEP)
    cases = _in_turn(context)
    places = asyncio.Semaphore(_CASES_AT_ONCE)
    news = await to_the_last(_go_on(context, case_id, until, places) for case_id in cases)
    return [case_id for case_id, has_news in zip(cases, news, strict=True) if has_news]


def _in_turn(context: Context) -> list[str]:
    """Return the cases to go on with.  A turn may end before all have had theirs: it does not always begin with the same one."""
    with context.store.read() as session:
        due = select(Case).where(
            col(Case.state).in_(COLLECTED), Case.due_at <= context.now(), col(Case.erased_at).is_(None),
            or_(col(Case.state) != CaseState.CLOSED, col(Case.contained_at) > _still_looked_at(context)),
        )  # fmt: skip
        cases = [case.id for case in session.exec(due.order_by(col(Case.due_at))).all() if wanted(case)]
    first = int(context.now().timestamp() // _BY_THE_SWEEP) % max(len(cases), 1)
    return [*cases[first:], *cases[:first]]


def _still_looked_at(context: Context) -> datetime:
    """Return since when a closed case must have been cut to be of interest: not everybody who ever left, each minute."""
    return context.now() - timedelta(hours=max(context.policy.activity.again_hours, default=0.0)) - _GRACE


async def _go_on(context: Context, case_id: str, until: datetime, places: asyncio.Semaphore) -> bool:
    """Go on with one case; True if it has news."""
    async with places:
        seconds = (until - context.now()).total_seconds()
        try:
            await collect(context, case_id, seconds=max(seconds, 0.0))
        finally:
            watching = is_stale(context, case_id)
            news = await conclude(context, case_id)  # what ended is told, whatever failed beside it
        if watching:
            await re_entry.watch(context, case_id)
        return news
