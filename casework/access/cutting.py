"""
The cut: containment at the due instant, then everything else.

A scheduled departure first revokes, within policy's time, what would be gone with the block; a dismissal blocks first.
Accounts, and independent revocations of one account, are carried out at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

from sqlalchemy import bindparam
from sqlmodel import col, select

from casework.access import planning
from casework.access.revoking import OPEN, conclude_by_read, each, may_ask, may_be_closed, revoke
from casework.connections import CONTAINMENT, SIGN_IN, kinds_for, read_access
from casework.context import Context, case_in
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
_SESSION = CONTAINMENT - SIGN_IN
_ASKED = select(CaseEntitlement).where(
    CaseEntitlement.case_id == bindparam("case_id"), col(CaseEntitlement.op).is_not(None)
)
_NOT_ACCEPTED_YET = frozenset({None, RevocationResult.FAILED, RevocationResult.UNKNOWN})


async def contain(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Block sign-in and end sessions of every accepted account in *connection*, and read until the block is seen.

    A vendor's failure for an account is a finding, not an exception.  Changes nothing unless the case is for real and
    *connection* is open here.
    """
    run, block_by = context.store.run, asyncio.get_running_loop().time() + context.policy.cut.precut_seconds
    case, found = await run(_to_contain, context, case_id, connection)
    if not case.for_real or connection not in context.connectors:
        return
    await each(_contain(context, case, account, rows, block_by) for account, rows in found)


def _to_contain(
    context: Context, case_id: str, connection: ConnectionId
) -> tuple[Case, list[tuple[CaseAccount, list[CaseEntitlement]]]]:
    """Return the case, and its accepted accounts in *connection*, each with its rows."""
    with context.store.read() as session:
        accounts = accepted_accounts(session, case_id, connection)
        return case_in(session, case_id), with_rows(accounts, rows_of(session, case_id))


async def deprovision(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Revoke the rest of every accepted account in *connection*, in the manifest's order, if the connection is open here.  Never
    lifts a block.
    """
    case, accounts = await context.store.run(case_and_accepted, context, case_id, connection)
    if not case.for_real or connection not in context.connectors:
        return
    allowed = kinds_for(case, context.connectors[connection])
    await each(_take_open(context, account, allowed) for account in accounts)


async def deprovision_early(context: Context, case_id: str) -> None:
    """Revoke what policy cuts at the end of the last day worked; sign-in stays as it is."""
    for account, rows in await context.store.run(early_rows, context, case_id):
        await _take(context, account, rows)


def early_rows(context: Context, case_id: str) -> list[tuple[CaseAccount, list[CaseEntitlement]]]:
    """Return the open rows that are to be revoked early, by account; none before the end of the last day worked."""
    case, early = context.case(case_id), context.policy.cut.early
    if not early or not case.for_real or case.last_working_at is None or case.last_working_at > context.now():
        return []
    accounts = accepted(context, case_id, *context.connectors)
    found = [(account, [row for row in _open_rows(context, account) if row.kind in early]) for account in accounts]
    return [(account, rows) for account, rows in found if rows]


def _open_rows(context: Context, account: CaseAccount) -> list[CaseEntitlement]:
    """Return the rows that the vendor is to be asked to revoke, as they are now."""
    with context.store.read() as session:
        rows = rows_of(session, account.case_id, account)
    return _askable(context, account, rows)


def _askable(context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> list[CaseEntitlement]:
    """Return those of the account's *rows* that the vendor is to be asked to revoke; none of an account that must not be cut."""
    block = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
    if any(row.guard in _WHOLE_ACCOUNT for row in block):
        return []
    blocked_at = max((row.observed_at for row in block if row.observed_at is not None), default=None)
    connector = context.connectors.get(account.connection)  # none if only the sweep asks for early rows
    kinds = connector.manifest.kinds if blocked_at is not None and connector is not None else {}
    dead = {kind for kind, line in kinds.items() if line.dies_with_block}
    return [row for row in rows if row.kind not in dead and may_ask(context, row, blocked_at)]


async def _contain(
    context: Context, case: Case, account: CaseAccount, rows: Sequence[CaseEntitlement], block_by: float
) -> None:
    """
    Contain one account, which has *rows*.  Its sign-in is read once more first, unless it was read within 10 s and is not an
    administrator's: a guard may be new since the plan, for example because the account is now the last administrator's.  That
    read delays the cut by at most 5 s; listings of other accounts do not delay it.
    """
    run = context.store.run
    listed = None
    if planning.is_unlisted(account, rows):
        listed = await planning.list_what_is_due(context, case, account, block_by)
        unread = planning.unread_in(context, listed, account, SIGN_IN, _JUST_NOW)
    else:
        unread = await run(planning.unread_since, context, account, SIGN_IN, _JUST_NOW)
    if unread:
        listed = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LOOK):
                await _see_block(context, account)
    if listed is not None:
        known = _askable(context, account, listed.rows_of(account))
    else:
        known = await run(_open_rows, context, account)
    if case.at_once_at is not None:
        await _block(context, account, known)
    else:
        await _block_after_what_dies_with_it(context, account, known, block_by)
    if await run(planning.has_unread_sessions, context, account):  # also after a kill at this point
        listing = await read_access(context, account, _SESSION)
        await run(keep_listing, context, account, listing, _SESSION)
    await _take_open(context, account, _SESSION)
    await _conclude_overtaken(context, account, rows)  # the block does not wait for these reads


async def _take_open(context: Context, account: CaseAccount, kinds: Kinds) -> None:
    rows = [row for row in await context.store.run(_open_rows, context, account) if row.kind in kinds]
    if rows:
        await _take(context, account, rows)


async def _take(context: Context, account: CaseAccount, rows: Iterable[CaseEntitlement]) -> None:
    """Revoke *rows* in their order, then assess the case, also after an exception: a pause may stop it halfway."""
    try:
        await _in_order(context, account, rows)
    finally:
        with in_turn(cut=True):
            await context.store.run(_assess, context, account)


async def _block_after_what_dies_with_it(
    context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement], block_by: float
) -> None:
    """
    Revoke what would be gone with the block, then block, at *block_by* (event loop's clock) at the latest; the rest goes on
    beside it.  *rows*: what is open now.
    """
    dying = [row for row in rows if row.order < 0]
    first = asyncio.ensure_future(_in_order(context, account, dying))
    try:
        await asyncio.wait({first}, timeout=max(0.0, block_by - asyncio.get_running_loop().time()))
        await _block(context, account, await context.store.run(_open_rows, context, account) if dying else rows)
    finally:
        await first  # what is not done in policy's time is finished all the same


async def _in_order(context: Context, account: CaseAccount, rows: Iterable[CaseEntitlement]) -> None:
    """Revoke *rows* by their order, rows of one order at once."""
    order = attrgetter("order")
    for _, same in groupby(sorted(rows, key=order), key=order):
        await revoke(context, account, [*same])


def _assess(context: Context, account: CaseAccount) -> None:
    with context.store.write() as session:
        assess(context, session, account.case_id)


async def _block(context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> None:
    """
    Block sign-in, then read until the block is seen: the time of that read is the effective cut-off.  *rows*: what is open now.

    A failed request is repeated within the same minute.  An accepted one is not repeated: it is only read back.
    A refusal is left to the next run: its reason may be gone by then.
    """
    waits = context.policy.observe.waits(limit=_BLOCK_SEEN_WITHIN)
    asked = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
    while True:
        await revoke(context, account, asked)
        seen = await _see_block(context, account)
        hopeless = any(row.result is RevocationResult.REFUSED or not may_be_closed(row) for row in seen)
        wait = next(waits, None)
        if wait is None or hopeless or all(row.state in SETTLED for row in seen):
            return
        await context.sleep(wait)
        rows = await context.store.run(_open_rows, context, account)
        asked = [row for row in rows if row.kind is EntitlementKind.SIGN_IN and row.result in _NOT_ACCEPTED_YET]


async def _see_block(context: Context, account: CaseAccount) -> list[CaseEntitlement]:
    table = await context.store.run(
        keep_listing, context, account, await read_access(context, account, SIGN_IN), SIGN_IN
    )
    return [row for row in table.rows_of(account) if row.kind is EntitlementKind.SIGN_IN]


async def take_up(context: Context, case_id: str, *connections: ConnectionId) -> None:
    """
    Give an outcome to each intent that a crash left open and whose row is closed since, by a later read or a waiver.

    This only reads: the vendor is not asked to revoke what a person signed for.  Open rows keep their intent: the cut comes
    to them in its order, and reads before it asks again.
    """
    for account, rows in await context.store.run(_asked, context, case_id, *connections):
        await _conclude_overtaken(context, account, rows)


def _asked(
    context: Context, case_id: str, *connections: ConnectionId
) -> list[tuple[CaseAccount, list[CaseEntitlement]]]:
    """Return each accepted account of *connections* with those of its rows that have an open intent."""
    with context.store.read() as session:
        asked = in_order(session.exec(_ASKED, params={"case_id": case_id}).all())
        return with_rows(accepted_accounts(session, case_id, *connections), asked)


async def _conclude_overtaken(context: Context, account: CaseAccount, rows: Iterable[CaseEntitlement]) -> None:
    overtaken = [row for row in rows if row.op is not None and row.state not in OPEN]
    await conclude_by_read(context, account, overtaken, RevocationResult.UNKNOWN)
