"""The verbs from which the flows are made: a case from its notice to its end, each step safe to repeat."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from casework import blast, cutting, planning
from casework.asking import open_questions
from casework.assessing import assess, open_findings
from casework.cases import ENDED
from casework.closing import close
from casework.desk import Desk
from casework.errors import BadRequest, NotDueYet
from casework.observing import observe_until_closed
from models.tables import Case
from models.vocabulary import CaseState, Service

LEASE = timedelta(seconds=45)
_HEARTBEAT = 10.0
_LONGEST_WAIT_FOR_DUE = timedelta(hours=1)

__all__ = [
    "claim", "close", "contain", "deprovision", "make_plan", "observe_until_closed", "take_early", "wait_until_due",
]  # fmt: skip


async def make_plan(desk: Desk, case_id: str) -> None:
    """
    Find accounts, list access, seal the plan.

    A dismissal that has not been cut yet gets its containment plan only: the rest is listed after the cut.
    """
    case = desk.case(case_id)
    if case.state in ENDED or case.state is CaseState.CLOSED:
        return
    await planning.make_plan(desk, case_id, kinds=planning.first_kinds(case))


async def take_early(desk: Desk, case_id: str) -> None:
    """Take away what policy cuts at the end of the last day worked, if that has passed; else nothing."""
    await cutting.deprovision_early(desk, case_id)


async def wait_until_due(desk: Desk, case_id: str) -> None:
    """
    Wait for the instant that our database holds, re-reading it: a run may start early, a case may be moved meanwhile.

    The wait is used to ask each service what it allows, since manifests depend on the plan.  Raises `NotDueYet` when the
    instant is further away than a run should wait: another run will be made for it, and `BadRequest` when the case has
    been withdrawn.
    """
    await planning.get_ready(desk)
    while True:
        case = desk.case(case_id)
        if case.state in ENDED:
            raise BadRequest(f"{case_id}: is {case.state}", "Nothing is to be taken away.")
        left = case.due_at - desk.now()
        if left <= timedelta(0):
            return
        if left > _LONGEST_WAIT_FOR_DUE:
            raise NotDueYet(f"{case_id}: is not due yet", "A run is made for the due instant.")
        await desk.sleep(min(left.total_seconds(), 5.0))


async def contain(desk: Desk, case_id: str, service: Service) -> None:
    """
    Contain the leaver in one service; see `casework.cutting.contain`.  Asks first if too many are cut at once.

    An account that a person has only just decided about is listed, and its plan sealed, before it is touched.
    """
    blast.ask_release(desk, case_id)
    if planning.unlisted(desk, case_id, service):
        kinds = planning.first_kinds(desk.case(case_id))
        await planning.take_inventory(desk, case_id, kinds=kinds, services=[service])
        planning.seal_plan(desk, case_id, scope="full" if kinds is None else "containment")
    await cutting.contain(desk, case_id, service)


async def deprovision(desk: Desk, case_id: str, service: Service) -> None:
    """
    Take away the rest in one service, after a fresh look for accounts and a fresh inventory of them.

    The plan may be weeks old: an account made since is contained here, and a client may have been granted access.  What
    the look adds is sealed into a new plan before it is touched.
    """
    await planning.find_in(desk, case_id, service)
    fresh = planning.unlisted(desk, case_id, service)
    await planning.take_inventory(desk, case_id, services=[service])
    planning.seal_plan(desk, case_id)
    if fresh:
        await cutting.contain(desk, case_id, service)
    await cutting.deprovision(desk, case_id, service)


@asynccontextmanager
async def claim(desk: Desk, case_id: str, runner: str) -> AsyncIterator[bool]:
    """
    Hold the case for one run.  Yields False if another run holds it: then do nothing.

    The hold is a lease that a heartbeat renews; a killed run's lease ends by itself within 45 seconds.  At the end the
    case says when it wants to be taken up again.
    """
    if not _take(desk, case_id, runner):
        yield False
        return
    beat = asyncio.ensure_future(_heartbeat(desk, case_id, runner))
    try:
        yield True
    finally:
        beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beat
        _let_go(desk, case_id, runner)


def _take(desk: Desk, case_id: str, runner: str) -> bool:
    with desk.store.write() as session:
        case = session.get(Case, case_id)
        if case is None:
            raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
        held = case.lease_until is not None and case.lease_until > desk.now() and case.lease_holder != runner
        if held:
            return False
        case.lease_holder, case.lease_until, case.run_state = runner, desk.now() + LEASE, "running"
        session.add(case)
        assess(desk, session, case_id)
        return True


async def _heartbeat(desk: Desk, case_id: str, runner: str) -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT)
        with desk.store.write() as session:
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
        waits = desk.policy.sweep.again_seconds
        asked = bool(open_questions(session, case_id))
        findings = bool(open_findings(session, case_id))
        case.run_state = "paused" if asked else "ended"
        wait = timedelta(seconds=waits[min(case.run_attempt, len(waits) - 1)])
        tried = findings or (asked and case.due_at <= desk.now())
        case.next_run_at = desk.now() + wait if tried else None
        session.add(case)
