"""
Whose turn it is: which run holds a case, and when the next one is wanted.  The only writer of the case's *run_…*,
*lease_…* and *next_run_at*.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from casework.access.findings import assess, open_findings
from casework.decisions.questions import open_questions
from casework.desk import Desk
from casework.errors import BadRequest
from casework.wake import free
from models.tables import Case
from models.vocabulary import RunState

LEASE = timedelta(seconds=45)
_HEARTBEAT = 10.0
__all__ = ["LEASE", "claim", "free", "held", "lead", "record_run", "release_run", "require_lease", "wanted"]

_LIVELY = frozenset({RunState.SCHEDULED, RunState.RUNNING})


@asynccontextmanager
async def claim(desk: Desk, case_id: str, runner: str) -> AsyncIterator[bool]:
    """
    Hold the case for one run.  Yields False if another run holds it: then do nothing.

    The hold is a lease that a heartbeat renews; a killed run's lease ends by itself within 45 seconds, and a run that has
    lost its lease cannot begin another write.  At the end the case says when it wants to be taken up again.
    """
    if not _take(desk, case_id, runner):
        yield False
        return
    desk.leases[case_id] = runner
    beat = asyncio.ensure_future(_heartbeat(desk, case_id, runner))
    try:
        yield True
    finally:
        beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beat
        desk.leases.pop(case_id, None)
        _let_go(desk, case_id, runner)


def _take(desk: Desk, case_id: str, runner: str) -> bool:
    with desk.store.write() as session:
        case = session.get(Case, case_id)
        if case is None:
            raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
        if held(case, desk.now()) and case.lease_holder != runner:
            return False
        case.lease_holder, case.lease_until, case.run_state = runner, desk.now() + LEASE, RunState.RUNNING
        session.add(case)
        assess(desk, session, case_id)
        return True


async def _heartbeat(desk: Desk, case_id: str, runner: str) -> None:
    """Renew the lease.  A database that is away for a moment costs a beat, not the lease's keeper."""
    while True:
        await asyncio.sleep(_HEARTBEAT)
        with contextlib.suppress(SQLAlchemyError), desk.store.write() as session:
            case = session.get_one(Case, case_id)
            if case.lease_holder == runner:
                case.lease_until = desk.now() + LEASE
                session.add(case)


def _let_go(desk: Desk, case_id: str, runner: str) -> None:
    with desk.store.write() as session:
        case = session.get_one(Case, case_id)
        if case.lease_holder != runner:
            return
        case.lease_holder = case.lease_until = None
        asked, findings = bool(open_questions(session, case_id)), bool(open_findings(session, case_id))
        case.run_state = RunState.PAUSED if asked else RunState.ENDED
        case.next_run_at = _next(desk, case) if asked or findings else None
        session.add(case)


def _next(desk: Desk, case: Case) -> datetime:
    """Return when to try again: later each time, but never later than the due instant asks for."""
    waits = desk.policy.sweep.again_seconds
    again = desk.now() + timedelta(seconds=waits[min(case.run_attempt, len(waits) - 1)])
    return min(again, case.due_at - lead(desk)) if desk.now() < case.due_at else again


def lead(desk: Desk) -> timedelta:
    """Return how long before its instant a run starts: the time in which it looks once more and makes ready."""
    return timedelta(seconds=desk.policy.sweep.lead_seconds)


def held(case: Case, now: datetime) -> bool:
    """Whether a living run holds the case."""
    return case.lease_until is not None and case.lease_until > now


def require_lease(desk: Desk, case: Case) -> None:
    """Raise `BadRequest` if this desk's run has lost the case to another one."""
    runner = desk.leases.get(case.id)
    if runner is not None and case.lease_holder != runner:
        raise BadRequest(f"{case.id}: another run holds the case now", "Nothing by hand: that run goes on.")


def wanted(case: Case, now: datetime) -> bool:
    """Whether nobody works on the case or is about to, and its wait is over."""
    later = case.next_run_at is not None and case.next_run_at > now
    return not held(case, now) and not later and case.run_state not in _LIVELY


def record_run(desk: Desk, case_ids: tuple[str, ...], run_id: str) -> None:
    """Note the run that was made for *case_ids*."""
    with desk.store.write() as session:
        for case_id in case_ids:
            case = session.get_one(Case, case_id)
            case.run_id, case.run_state = run_id, RunState.SCHEDULED
            case.run_attempt += 1
            session.add(case)


def release_run(desk: Desk, case_id: str) -> None:
    """Note that the case's run is dead: the next sweep offers the case again at once.  A living lease is left alone."""
    with desk.store.write() as session:
        case = session.get_one(Case, case_id)
        if held(case, desk.now()):
            return
        case.run_id, case.run_state = None, RunState.ENDED
        case.lease_holder = case.lease_until = None
        session.add(case)
