"""
Claims: which run holds a case, and when the next run is wanted.  The only writer of the case's *run_…*,
*lease_…* and *next_run_at*.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import NoneType

from sqlalchemy import bindparam, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from casework.context import Context, case_in, kept_case
from casework.errors import CaseworkError
from casework.lifecycle import BEFORE_THE_CUT, UNDER_WAY
from casework.questions import open_questions
from casework.store import in_turn
from casework.truth.findings import assess, open_findings
from models.tables import Case
from models.vocabulary import RunState

LEASE = timedelta(seconds=20)
_HEARTBEAT = 4.0
_RENEWED = (
    update(Case)
    .where(col(Case.id) == bindparam("its"), col(Case.lease_holder) == bindparam("runner"))
    .values(lease_until=bindparam("until"))
)
_CUTS_NOTHING = timedelta(seconds=15)
"""After the last of instant, decision and claim: a run that holds the case and has asked no vendor for anything loses it then."""
_RECOVERY = timedelta(seconds=5)
_SOON = timedelta(minutes=10)
SERVING = "serve"
"""How a serving process names itself as a runner.  Serving processes do not take cases from one another."""


@asynccontextmanager
async def claim(context: Context, case_id: str, runner: str) -> AsyncIterator[bool]:
    """
    Hold the case for one run.  Yields False if another run holds it: then do nothing.  Raises `BadRequest` for an erased case.

    The hold is a lease that a heartbeat renews.  A killed run's lease ends by itself within 20 seconds; a run that has
    lost its lease cannot begin another write.  The end writes when the next run is wanted (*next_run_at*).
    """
    run = context.store.run
    try:
        taken = await run(_take, context, case_id, runner)
    except asyncio.CancelledError:  # it is done all the same
        await run(_let_go, context, case_id, runner, stumbled=True)
        raise
    if taken is None:
        yield False
        return
    context.leases[case_id] = runner
    beat = asyncio.ensure_future(_heartbeat(context, case_id))
    try:
        with in_turn(first=taken.at_once_at is not None, cut=taken.contained_at is not None):
            yield True
    finally:
        stumbled = not isinstance(sys.exception(), (NoneType, CaseworkError))
        ended = [beat, *(context.searching.pop(one) for one in [*context.searching] if one[0] == case_id)]
        for one in ended:
            one.cancel()
        await asyncio.wait(ended)
        context.leases.pop(case_id, None)
        await run(_let_go, context, case_id, runner, stumbled=stumbled)


def _take(context: Context, case_id: str, runner: str) -> Case | None:
    with context.store.write() as session:
        case = kept_case(session, case_id)
        others = held(case, context.now()) and case.lease_holder != runner
        if others and not (runner.startswith(SERVING) and may_be_taken_over(case, context.now())):
            return None
        case.lease_holder = case.run_id = runner  # another run may have been made for it, and come too late
        case.lease_until, case.run_state = context.now() + LEASE, RunState.RUNNING
        case.next_run_at = context.now()  # gone by the end if somebody woke the case
        assess(context, session, case_id)
        return case


async def _heartbeat(context: Context, case_id: str) -> None:
    """
    Renew every lease of this process if it has held this case longest; else another case's heartbeat does.

    If the database is away for a moment, one renewal is skipped and the heartbeat goes on.
    """
    while True:
        await asyncio.sleep(_HEARTBEAT)
        if next(iter(context.leases), None) == case_id:
            with contextlib.suppress(SQLAlchemyError):
                await context.store.run(_renew, context, dict(context.leases))


def _renew(context: Context, leases: Mapping[str, str]) -> None:
    until = context.now() + LEASE
    held = [{"its": case_id, "runner": runner, "until": until} for case_id, runner in leases.items()]
    with context.store.write() as session:
        session.connection().execute(_RENEWED, held)


def _let_go(context: Context, case_id: str, runner: str, *, stumbled: bool) -> None:
    with context.store.write() as session:
        case = case_in(session, case_id)
        if case.lease_holder != runner:
            return
        case.lease_holder = case.lease_until = None
        asked = bool(open_questions(session, case_id))
        due = case.for_real and case.state in UNDER_WAY and case.due_at <= context.now()
        again = due or asked or open_findings(session, case_id)
        case.run_state = RunState.PAUSED if asked else RunState.ENDED
        if case.next_run_at is not None:
            case.next_run_at = _next(context, case, stumbled=due and stumbled) if again else None


def _next(context: Context, case: Case, *, stumbled: bool) -> datetime:
    """
    Return when to try again: soon at first, later each time, but in time for the due instant.

    The run of a due case may have *stumbled* (the database was away) before any cut: that is tried again at once.
    """
    now = context.now()
    if stumbled and overdue(case, now) < _SOON:
        return now + _RECOVERY
    waits = [timedelta(seconds=one) for one in context.policy.sweep.again_seconds]
    if now < case.due_at:
        again = now + next((wait for wait in waits if wait > now - decided_at(case)), waits[-1])
        return min(again, case.due_at - lead(context))
    case.tries += 1
    return now + waits[min(case.tries, len(waits)) - 1]


def overdue(case: Case, now: datetime) -> timedelta:
    """Return the time since the case could be cut: since its instant, or the decision if that came later."""
    return now - max(case.due_at, decided_at(case))


def decided_at(case: Case) -> datetime:
    """Return when somebody decided that the case is to be cut; until then, when it was reported."""
    return case.for_real_at or case.opened_at


def lead(context: Context) -> timedelta:
    """Return how long before its instant a run starts: in that time it reads once more and probes the services."""
    return timedelta(seconds=context.policy.sweep.lead_seconds)


def held(case: Case, now: datetime) -> bool:
    """Whether a living run holds the case."""
    return case.lease_until is not None and case.lease_until > now


def may_be_taken_over(case: Case, now: datetime) -> bool:
    """Whether a serving process may take the case from the run that holds it: due for a while, and no vendor asked yet."""
    serving = (case.lease_holder or "").startswith(SERVING)
    taken_at = case.next_run_at or case.due_at  # the time of the claim, unless somebody woke the case since
    return case.state in BEFORE_THE_CUT and min(overdue(case, now), now - taken_at) >= _CUTS_NOTHING and not serving


def wanted(case: Case, now: datetime) -> bool:
    """
    Whether no run works on the case or is about to, and its wait is over.

    A living run holds the case: a run without a lease is dead.  A run that Prefect has not started yet is looked up there
    first (`casework.sweeping.runs_to_check`).
    """
    later = case.next_run_at is not None and case.next_run_at > now
    given = case.run_id is not None and case.run_state is RunState.SCHEDULED
    return not held(case, now) and not later and not given


def record_run(context: Context, case_ids: tuple[str, ...], run_id: str) -> None:
    """Note the run that was made for *case_ids*."""
    with context.store.write() as session:
        for case_id in case_ids:
            case = session.get_one(Case, case_id)
            case.run_id, case.run_state = run_id, RunState.SCHEDULED
            case.run_attempt += 1


def release_run(context: Context, case_id: str) -> None:
    """Note that the case's run is dead: the next sweep offers the case again at once.  A living lease is left alone."""
    with context.store.write() as session:
        case = session.get_one(Case, case_id)
        if not held(case, context.now()):
            case.run_id, case.run_state = None, RunState.ENDED
            case.lease_holder = case.lease_until = case.next_run_at = None
