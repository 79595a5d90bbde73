"""Looking until it is closed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from casework.access import cutting, planning
from casework.access.revoking import may_ask
from casework.context import Context
from casework.errors import Paused
from casework.lifecycle import LATELY
from casework.truth.rows import accepted_rows
from casework.truth.states import PERHAPS_TAKEN
from models.tables import CaseEntitlement
from models.vocabulary import SETTLED, EntitlementKind, EntitlementState, OpenReason

_BLIND_TRIES = 2
"""How often a kind that cannot be read is tried again in a run: an outage of seconds, not a missing scope."""


async def observe_until_closed(context: Context, case_id: str) -> None:
    """
    Read every account afresh, with back-off, until each row is settled, waiting can settle no more, or policy's deadline has
    passed.

    The first look takes in every kind that was not read since the block, the later ones those that are open.  What a look adds,
    and what a guard that has gone kept from being taken, is planned, sealed and taken away as well.  Raises nothing: what is
    still open afterwards is a finding, and is looked at again later.
    """
    run = context.store.run
    if not (await run(context.case, case_id)).for_real:
        return
    await _look(context, case_id, first=True)
    for tries, wait in enumerate(context.policy.observe.waits()):
        if not _waiting_helps(await run(_unsettled, context, case_id), tries):
            break
        await context.sleep(wait)
        await _look(context, case_id, first=False)
    if context.connectors:
        await cutting.take_up(context, case_id, *context.connectors)


def _waiting_helps(unsettled: Sequence[CaseEntitlement], tries: int) -> bool:
    """
    Whether time may settle one of the rows: what the vendor accepted, what goes with something that it accepted, and for a
    few tries what could not be read.  Not what was refused, is guarded, or is a person's to take away, nor the sessions of an
    account whose block is.
    """
    going = {(row.connection, row.account_id) for row in unsettled if row.result in PERHAPS_TAKEN}
    unblocked = {
        (row.connection, row.account_id)
        for row in unsettled
        if row.kind is EntitlementKind.SIGN_IN and not _is_going(row)
    }
    for row in unsettled:
        place = (row.connection, row.account_id)
        if row.reason is OpenReason.UNREADABLE and tries < _BLIND_TRIES:
            return True
        if row.reason is OpenReason.INHERITED and place in going:
            return True
        if _is_going(row) and not (row.kind is EntitlementKind.SESSION and place in unblocked):
            return True
    return False


def _is_going(row: CaseEntitlement) -> bool:
    """Whether the vendor has accepted it, or may have, and nothing but time stands against it."""
    asked = row.result in PERHAPS_TAKEN or row.state is EntitlementState.COMMANDED
    return asked and row.reason in {OpenReason.STILL_OPEN, OpenReason.MASTERED_ELSEWHERE}


async def _look(context: Context, case_id: str, *, first: bool) -> None:
    """Look once; what nothing was answered about yet (it was found just now, came back, or its guard has gone) is taken away."""
    run = context.store.run
    for connection in context.connectors:
        if await run(planning.unlisted, context, case_id, connection):  # accepted by a person a moment ago
            with contextlib.suppress(Paused):  # its finding tells
                await cutting.contain(context, case_id, connection)
            await planning.take_inventory(context, case_id, connection)
    if first:
        await planning.take_inventory(context, case_id, known_for=LATELY, blocked=True)
    else:
        unsettled = await run(_unsettled, context, case_id)
        kinds = frozenset(row.kind for row in unsettled)
        await planning.take_inventory(context, case_id, *{row.connection for row in unsettled}, kinds=kinds)
    fresh = [row for row in await run(_unsettled, context, case_id) if row.result is None and may_ask(context, row)]
    if fresh:
        await run(planning.seal_plan, context, case_id)
    with contextlib.suppress(Paused):
        for connection in {row.connection for row in fresh if row.kind is EntitlementKind.SIGN_IN}:
            await cutting.contain(context, case_id, connection)
            await planning.take_inventory(context, case_id, connection, known_for=LATELY, blocked=True)  # it was open
            await run(planning.seal_plan, context, case_id)
        for connection in {row.connection for row in fresh if row.kind is not EntitlementKind.SIGN_IN}:
            await cutting.deprovision(context, case_id, connection)


def _unsettled(context: Context, case_id: str) -> list[CaseEntitlement]:
    """Return what is still open and can be looked at here: of a connection that is not open, and of others' accounts, nothing."""
    with context.store.read() as session:
        rows = accepted_rows(session, case_id)
    return [row for row in rows if row.state not in SETTLED and row.connection in context.connectors]
