"""The verbs from which the flows are made: a case from its notice to its end, each step safe to repeat."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from casework.access import cutting, planning, rails
from casework.access.closing import close
from casework.access.observing import observe_until_closed
from casework.claims import claim
from casework.connections import get_ready
from casework.context import Context
from casework.errors import BadRequest, NotDueYet
from casework.lifecycle import ENDED, FINISHED
from casework.matching.searching import find_everywhere, find_in
from casework.nda.checking import check_safely
from models.vocabulary import ConnectionId

_LONGEST_WAIT_FOR_DUE = timedelta(hours=1)
_TO_GET_READY = timedelta(seconds=30)

__all__ = [
    "check_papers", "claim", "close", "contain", "deprovision", "make_plan", "observe_until_closed", "take_early", "wait_until_due",
]  # fmt: skip


async def make_plan(context: Context, case_id: str) -> None:
    """
    Find the leaver's accounts, list their access, seal the plan.  All services at once; one failing stops no other.

    Repeating it looks again, adds what is new, and seals another plan only if something changed.  An emergency that has not
    been cut yet gets its containment plan only: the rest is listed after the cut.
    """
    if context.case(case_id).state in FINISHED:
        return
    await find_everywhere(context, case_id)
    await planning.list_and_plan(context, case_id)
    rails.ask_early(context, case_id)  # weeks ahead, and not at midnight


async def take_early(context: Context, case_id: str) -> None:
    """Take away what policy cuts at the end of the last day worked, if that has passed; else nothing."""
    if cutting.early_rows(context, case_id):
        rails.ask_release(context, case_id)
        await cutting.deprovision_early(context, case_id)


async def wait_until_due(context: Context, case_id: str) -> None:
    """
    Wait for the instant that our database holds, re-reading it: a run may start early, a case may be moved meanwhile.

    The wait is used: services are probed, since manifests depend on the plan, and the case is planned once more, since
    what was found weeks ago may have changed.  That never holds up the cut.  Raises `NotDueYet` when the instant is
    further away than a run should wait: another run will be made for it, and `BadRequest` when the case has been withdrawn.
    """
    left = _left(context, case_id)
    if left > timedelta(0):
        await _within(left, make_plan(context, case_id))
    await _within(_TO_GET_READY, get_ready(context))
    while (left := _left(context, case_id)) > timedelta(0):
        await context.sleep(min(left.total_seconds(), 5.0))


def _left(context: Context, case_id: str) -> timedelta:
    case = context.case(case_id)
    if case.state in ENDED:
        raise BadRequest(f"{case_id}: is {case.state}", "Nothing is to be taken away.")
    left = case.due_at - context.now()
    if left > _LONGEST_WAIT_FOR_DUE:
        raise NotDueYet(f"{case_id}: is not due yet", "A run is made for the due instant.")
    return left


async def _within(left: timedelta, work: Coroutine[Any, Any, None]) -> None:
    """Carry out *work*, which only reads at the vendors, but not beyond *left*."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(left.total_seconds()):
            await work


async def contain(context: Context, case_id: str, connection: ConnectionId) -> None:
    """Contain the leaver in one service; see `casework.access.cutting.contain`.  Asks first if too many are cut at once."""
    rails.ask_release(context, case_id)
    await cutting.contain(context, case_id, connection)


async def deprovision(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Take away the rest in one service, after a fresh look for accounts and a fresh inventory of them.

    The plan may be weeks old: an account made since is contained here, and a client may have been granted access.  What
    the look adds is sealed into a new plan before it is touched.
    """
    await find_in(context, case_id, connection)
    if planning.uncontained(context, case_id, connection):
        await cutting.contain(context, case_id, connection)
    await planning.take_inventory(context, case_id, connections=[connection])
    planning.seal_plan(context, case_id)
    await cutting.deprovision(context, case_id, connection)


async def check_papers(context: Context, case_id: str) -> None:
    """Look for the leaver's confidentiality papers, unless that was done lately.  Never raises, and holds up no cut."""
    await check_safely(context, case_id)
