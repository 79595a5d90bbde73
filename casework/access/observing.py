"""Read the leaver's access until it is closed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from casework.access import cutting, planning
from casework.access.revoking import each, may_ask
from casework.context import Context
from casework.errors import Paused
from casework.lifecycle import LATELY
from casework.truth.rows import accepted_rows
from casework.truth.states import PERHAPS_TAKEN
from connectors.kit.limits import for_a_due_cut
from models.tables import CaseEntitlement
from models.vocabulary import SETTLED, ConnectionId, EntitlementKind, EntitlementState, OpenReason

_BLIND_TRIES = 2
"""How often a run reads a kind again that it could not read: enough for an outage of seconds, useless for a missing scope."""


async def observe_until_closed(context: Context, case_id: str) -> None:
    """
    Read every account again, with backoff, until each row is settled, waiting can settle no more, or policy's deadline has
    passed.

    The first read takes every kind that was not read since the block, the later ones the open kinds.  What a read adds, and
    rows whose guard is gone, are planned, sealed and revoked too.  Access that is still open afterwards raises nothing: it is
    a finding, and is read again later.
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
    Whether time may settle one of the rows: a request that the vendor accepted, access that is inherited through one, and for
    a few tries a kind that could not be read.  Time settles no refused, guarded or manual row, and no sessions of an account
    whose block is such a row.
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
    """Whether the vendor accepted the request, or may have, and the row only needs time."""
    asked = row.result in PERHAPS_TAKEN or row.state is EntitlementState.COMMANDED
    return asked and row.reason in {OpenReason.STILL_OPEN, OpenReason.MASTERED_ELSEWHERE}


async def _look(context: Context, case_id: str, *, first: bool) -> None:
    """Read once, and revoke the rows that have no answer yet: they are new, came back, or lost their guard."""
    run = context.store.run
    accepted_now = await run(planning.unlisted, context, case_id, *context.connectors) if context.connectors else ()
    new = {account.connection for account in accepted_now}
    await each(_contain_new(context, case_id, connection) for connection in new)
    if new:
        await planning.take_inventory(context, case_id, *new)
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
            with for_a_due_cut():
                await cutting.contain(context, case_id, connection)
            await planning.take_inventory(context, case_id, connection, known_for=LATELY, blocked=True)  # it was open
            await run(planning.seal_plan, context, case_id)
        for connection in {row.connection for row in fresh if row.kind is not EntitlementKind.SIGN_IN}:
            await cutting.deprovision(context, case_id, connection)


async def _contain_new(context: Context, case_id: str, connection: ConnectionId) -> None:
    """Contain what was accepted in one service a moment ago; a pause is seen by its finding."""
    with contextlib.suppress(Paused), for_a_due_cut():
        await cutting.contain(context, case_id, connection)


def _unsettled(context: Context, case_id: str) -> list[CaseEntitlement]:
    """Return the open rows of the leaver's accounts, in the connections that are open here."""
    with context.store.read() as session:
        rows = accepted_rows(session, case_id)
    return [row for row in rows if row.state not in SETTLED and row.connection in context.connectors]
