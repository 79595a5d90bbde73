"""The steps of the runbook, each safe to repeat.  Their order is in `casework.runbook`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from casework.access import blast_radius, cutting, planning
from casework.connections import ready
from casework.context import Context
from casework.errors import BadRequest, CaseNotDue
from casework.lifecycle import ENDED, FINISHED, LATELY, PLAN_WANTED
from casework.matching.searching import find_everywhere, find_in, is_searched, searched
from connectors.kit.limits import for_a_due_cut
from models.tables import Case
from models.vocabulary import ConnectionId

_log = logging.getLogger("lastday.steps")
_LONGEST_WAIT_FOR_DUE = timedelta(hours=1)
_OTHERS_ANSWER_WITHIN = 2.0
_UNPLANNED_WAITS = timedelta(seconds=5)
_TO_GET_READY = timedelta(seconds=30)


async def plan_if_none(context: Context, case_id: str) -> None:
    """
    Plan a case that was not planned ahead: reported on its last day, or a dismissal.  An existing plan is kept, since
    reading again would delay the cut.  For a due case this only searches for accounts, and waits two seconds for answers:
    each service's cut lists, plans and, if the service was silent, searches again by itself, and holds up no other service.
    Raises `BadRequest` when the case has been withdrawn.
    """
    case = await context.store.run(_going_on, context, case_id)
    if case.state not in PLAN_WANTED:
        return
    left = case.due_at - context.now()
    if not case.for_real:
        await make_plan(context, case_id)
    elif left > timedelta(0):
        await _within(max(left, _UNPLANNED_WAITS), make_plan(context, case_id))
    else:
        with for_a_due_cut():
            await _within(None, find_everywhere(context, case_id, patience=_OTHERS_ANSWER_WITHIN))


async def make_plan(context: Context, case_id: str) -> None:
    """
    Find the leaver's accounts, list their access, seal the plan.  All services at once; one that fails stops no other.

    A repetition reads again, adds what is new, and seals another plan only if something changed.  An emergency before its
    cut gets a containment plan only: the rest is listed after the cut.
    """
    run = context.store.run
    if (await run(context.case, case_id)).state in FINISHED:
        return
    await find_everywhere(context, case_id)
    await planning.list_and_plan(context, case_id)
    await run(blast_radius.ask_early, context, case_id)  # weeks ahead, and not at midnight


async def take_early(context: Context, case_id: str) -> None:
    """Revoke what policy cuts at the end of the last day worked; before that time, nothing."""
    if await context.store.run(cutting.early_rows, context, case_id):
        await context.store.run(blast_radius.ask_release, context, case_id)
        await cutting.deprovision_early(context, case_id)


async def wait_until_due(context: Context, case_id: str) -> None:
    """
    Wait for the case's instant, and read it again and again: a run may start early, and the case may be moved.

    Meanwhile the case is planned once more, since access found weeks ago may have changed.  That never delays the cut.
    Raises `CaseNotDue` when the instant is more than an hour ahead (another run will be made for it), and `BadRequest` when
    the case has been withdrawn.
    """
    left = await context.store.run(_left, context, case_id)
    if left > timedelta(0):
        await _within(left, make_plan(context, case_id))
    while (left := await context.store.run(_left, context, case_id)) > timedelta(0):
        await context.sleep(min(left.total_seconds(), 5.0))


def _left(context: Context, case_id: str) -> timedelta:
    left = _going_on(context, case_id).due_at - context.now()
    if left > _LONGEST_WAIT_FOR_DUE:
        raise CaseNotDue(f"{case_id}: is not due yet", "A run is made for the due instant.")
    return left


def _going_on(context: Context, case_id: str) -> Case:
    """Return the case; raises `BadRequest` if its departure does not take place."""
    case = context.case(case_id)
    if case.state in ENDED:
        raise BadRequest(f"{case_id}: is {case.state}", "Nothing is to be taken away.")
    return case


async def _within(left: timedelta | None, work: Coroutine[Any, Any, object]) -> None:
    """Carry out *work*, which only reads at the vendors, for at most *left*.  Its failure is logged and stops nothing."""
    try:
        async with asyncio.timeout(None if left is None else left.total_seconds()):
            await work
    except Exception as exc:  # noqa: BLE001  # the cut follows, and its own failures are findings
        _log.warning("before the cut: %s", type(exc).__name__)


async def contain(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Contain the leaver in one service, which is probed first; see `casework.access.cutting.contain`.  Before that, asks for a
    release if too many are cut at once.
    """
    await context.store.run(blast_radius.ask_release, context, case_id)
    with for_a_due_cut():
        await _within(_TO_GET_READY, ready(context, connection))
        await cutting.contain(context, case_id, connection)  # an account that is known already waits for no search
        late = await searched(context, case_id, connection, patience=_OTHERS_ANSWER_WITHIN)
        if late and await context.store.run(planning.uncontained, context, case_id, connection):
            await cutting.contain(context, case_id, connection)


async def deprovision(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Revoke the rest in one service, after a new search for accounts and a new inventory.  A kind without an open request is not
    read again if it was read in the last minute and after the instant.

    The plan may be weeks old: an account created since is contained here, and a client may have been granted access.  What
    the inventory adds is sealed in a new plan before it is revoked.  What appears later is found by observing.
    """
    run = context.store.run
    if not await run(is_searched, context, case_id, connection):
        await find_in(context, case_id, connection)
    if await run(planning.uncontained, context, case_id, connection):
        with for_a_due_cut():
            await cutting.contain(context, case_id, connection)
    await planning.take_inventory(context, case_id, connection, known_for=LATELY)
    await run(planning.seal_plan, context, case_id)
    await cutting.deprovision(context, case_id, connection)
