"""
The cut: containment at the due instant, then everything else.

A scheduled departure does first, within the time that policy grants, what dies with the block; a dismissal blocks first.
Accounts, and independent revocations of one account, go at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

from sqlalchemy import bindparam
from sqlmodel import col, select

from casework.access import planning
from casework.access.revoking import OPEN, conclude_by_read, each, may_ask, may_be_closed, revoke
from casework.connections import kinds_for, read_access
from casework.context import Context
from casework.store import in_turn
from casework.truth.findings import assess, keep_listing
from casework.truth.rows import accepted, accepted_accounts, case_and_accepted, in_order, rows_of, with_rows
from casework.truth.states import NEVER_CUT
from connectors.contract import Kinds
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import SETTLED, ConnectionId, EntitlementKind, Guard, RevocationResult

_WHOLE_ACCOUNT = NEVER_CUT - {Guard.LAST_OWNER}
_BLOCK_SEEN_WITHIN = 60.0
_LAST_LOOK = 5.0
_JUST_NOW = timedelta(seconds=10)
_SIGN_IN: Kinds = frozenset({EntitlementKind.SIGN_IN})
_ASKED = select(CaseEntitlement).where(
    CaseEntitlement.case_id == bindparam("case_id"), col(CaseEntitlement.op).is_not(None)
)
_NOT_ACCEPTED_YET = frozenset({None, RevocationResult.FAILED, RevocationResult.UNKNOWN})


async def contain(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Block sign-in and end sessions of every accepted account in *connection*, and see the block.

    Raises nothing for an account: what did not succeed is a finding.  Changes nothing unless the case is for real and
    *connection* is open here.
    """
    run, block_by = context.store.run, asyncio.get_running_loop().time() + context.policy.cut.precut_seconds
    case = await run(context.case, case_id)
    if not case.for_real or connection not in context.connectors:
        return
    if await run(planning.unlisted, context, case_id, connection):
        await planning.list_what_is_due(context, case_id, connection)
    await each(_contain(context, case, account, block_by) for account in await take_up(context, case_id, connection))


async def deprovision(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Take away the rest of every accepted account in *connection*, in the manifest's order, if it is open here.  Never lifts a
    block.
    """
    case, accounts = await context.store.run(case_and_accepted, context, case_id, connection)
    if not case.for_real or connection not in context.connectors:
        return
    allowed = kinds_for(case, context.connectors[connection])
    await each(_take_open(context, account, allowed) for account in accounts)


async def deprovision_early(context: Context, case_id: str) -> None:
    """Take away what policy cuts at the end of the last day worked already, sign-in staying as it is."""
    for account, rows in await context.store.run(early_rows, context, case_id):
        await _take(context, account, rows)


def early_rows(context: Context, case_id: str) -> list[tuple[CaseAccount, list[CaseEntitlement]]]:
    """Return what is to be taken away early and has not been; nothing before the end of the last day worked."""
    case, early = context.case(case_id), context.policy.cut.early
    if not early or not case.for_real or case.last_working_at is None or case.last_working_at > context.now():
        return []
    accounts = accepted(context, case_id, *context.connectors)
    found = [(account, [row for row in _open_rows(context, account) if row.kind in early]) for account in accounts]
    return [(account, rows) for account, rows in found if rows]


def _open_rows(context: Context, account: CaseAccount) -> list[CaseEntitlement]:
    """Return what the vendor is to be asked for; nothing at all of an account that must not be cut."""
    with context.store.read() as session:
        rows = rows_of(session, account.case_id, account)
    block = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
    if any(row.guard in _WHOLE_ACCOUNT for row in block):
        return []
    blocked_at = max((row.observed_at for row in block if row.observed_at is not None), default=None)
    connector = context.connectors.get(account.connection)  # none where the sweep only asks whether there is anything
    kinds = connector.manifest.kinds if blocked_at is not None and connector is not None else {}
    dead = {kind for kind, line in kinds.items() if line.dies_with_block}
    return [row for row in rows if row.kind not in dead and may_ask(context, row, blocked_at)]


async def _contain(context: Context, case: Case, account: CaseAccount, block_by: float) -> None:
    """
    Contain one account.  Its sign-in is read once more before anything is asked, unless that was done seconds ago and it is no
    administrator's: a guard may have come up since the plan, the last administrator being one who was not the last then.  A
    look that takes long does not hold up the cut.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_LOOK):
            if await context.store.run(planning.unread_since, context, account, _SIGN_IN, _JUST_NOW):
                await _see_block(context, account)
    if case.at_once_at is not None:
        await _block(context, account)
    else:
        await _block_after_what_dies_with_it(context, account, block_by)
    await _take_open(context, account, frozenset({EntitlementKind.SESSION}))


async def _take_open(context: Context, account: CaseAccount, kinds: Kinds) -> None:
    rows = [row for row in await context.store.run(_open_rows, context, account) if row.kind in kinds]
    if rows:
        await _take(context, account, rows)


async def _take(context: Context, account: CaseAccount, rows: Iterable[CaseEntitlement]) -> None:
    """Revoke *rows* in their order, and assess the case however far that came: a pause may come in between."""
    try:
        await _in_order(context, account, rows)
    finally:
        with in_turn(cut=True):
            await context.store.run(_assess, context, account)


async def _block_after_what_dies_with_it(context: Context, account: CaseAccount, block_by: float) -> None:
    """Take away what would be gone with the block, and block, by *block_by* on the event loop's clock: what was not taken by then is taken beside it."""
    rows = await context.store.run(_open_rows, context, account)
    first = asyncio.ensure_future(_in_order(context, account, [row for row in rows if row.order < 0]))
    try:
        await asyncio.wait({first}, timeout=max(0.0, block_by - asyncio.get_running_loop().time()))
        await _block(context, account)
    finally:
        await first  # what policy's time did not suffice for is finished, not forgotten


async def _in_order(context: Context, account: CaseAccount, rows: Iterable[CaseEntitlement]) -> None:
    """Revoke *rows*, those of one order at once."""
    order = attrgetter("order")
    for _, same in groupby(sorted(rows, key=order), key=order):
        await revoke(context, account, [*same])


def _assess(context: Context, account: CaseAccount) -> None:
    with context.store.write() as session:
        assess(context, session, account.case_id)


async def _block(context: Context, account: CaseAccount) -> None:
    """
    Block sign-in, then read until it is seen: the time of that read is the effective cut-off.

    A failure on the way is tried again within the same minute; an accepted command is not repeated, only looked for.
    A refusal is left to the next run: the reason for it may have gone by then.
    """
    waits = context.policy.observe.waits(limit=_BLOCK_SEEN_WITHIN)
    first = True
    while True:
        rows = await context.store.run(_open_rows, context, account)
        block = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
        await revoke(context, account, [row for row in block if first or row.result in _NOT_ACCEPTED_YET])
        first = False
        rows = await _see_block(context, account)
        hopeless = any(row.result is RevocationResult.REFUSED or not may_be_closed(row) for row in rows)
        wait = next(waits, None)
        if wait is None or hopeless or all(row.state in SETTLED for row in rows):
            return
        await context.sleep(wait)


async def _see_block(context: Context, account: CaseAccount) -> list[CaseEntitlement]:
    table = await context.store.run(
        keep_listing, context, account, await read_access(context, account, _SIGN_IN), _SIGN_IN
    )
    return [row for row in table.rows_of(account) if row.kind is EntitlementKind.SIGN_IN]


async def take_up(context: Context, case_id: str, *connections: ConnectionId) -> list[CaseAccount]:
    """
    Give an outcome to each intent that a crash left open and that something has overtaken: a later read, a waiver.  Return the
    accepted accounts.

    By a read alone: what was signed for meanwhile is not asked for.  Open rows keep their intent: the cut comes to them in
    its order, and reads before it asks again.
    """
    accounts = await context.store.run(_overtaken, context, case_id, *connections)
    for account, rows in accounts:
        await conclude_by_read(context, account, rows, RevocationResult.UNKNOWN)
    return [account for account, _ in accounts]


def _overtaken(
    context: Context, case_id: str, *connections: ConnectionId
) -> list[tuple[CaseAccount, list[CaseEntitlement]]]:
    """Return each accepted account of *connections* with those of its rows whose intent is overtaken."""
    with context.store.read() as session:
        asked = in_order(session.exec(_ASKED, params={"case_id": case_id}).all())
        accounts = accepted_accounts(session, case_id, *connections)
    return with_rows(accounts, [row for row in asked if row.state not in OPEN])
