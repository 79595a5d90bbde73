"""
The cut: containment at the due instant, then everything else.

A scheduled departure does first, within the time that policy grants, what dies with the block; a dismissal blocks first.
Accounts, and independent revocations of one account, go at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import groupby

from casework.assessing import assess
from casework.desk import Desk
from casework.planning import account_of, kinds_for
from casework.revoking import begin, finish, finish_failed, may_cut, revoke
from casework.rows import accounts_of, merge, rows_of
from casework.waits import backoff
from connectors.errors import ConnectorError
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import (
    SETTLED,
    DepartureKind,
    EntitlementKind,
    EntitlementState,
    Guard,
    RevocationResult,
    Service,
    Standing,
)

_WHOLE_ACCOUNT = frozenset({Guard.OWN_CREDENTIAL, Guard.LAST_ADMIN, Guard.PRIMARY_OWNER, Guard.PROTECTED})
_BLOCK_SEEN_WITHIN = 60.0


async def contain(desk: Desk, case_id: str, service: Service) -> None:
    """
    Block sign-in and end sessions of every accepted account in *service*, and see the block.

    Raises nothing for an account: what did not succeed is a finding.  Changes nothing unless the case is for real.
    """
    case = desk.case(case_id)
    if not case.for_real:
        return
    await asyncio.gather(*(_contain(desk, case, account) for account in _accepted(desk, case_id, service)))


async def deprovision(desk: Desk, case_id: str, service: Service) -> None:
    """Take away the rest of every accepted account in *service*, in the manifest's order.  Never lifts a block."""
    case = desk.case(case_id)
    if not case.for_real:
        return
    await asyncio.gather(*(_deprovision(desk, case, account) for account in _accepted(desk, case_id, service)))


async def deprovision_early(desk: Desk, case_id: str) -> None:
    """Take away what policy cuts at the end of the last day worked already, sign-in staying as it is."""
    case = desk.case(case_id)
    if not case.for_real or case.last_working_at is None or case.last_working_at > desk.now():
        return
    for service in desk.connectors:
        for account in _accepted(desk, case_id, service):
            await _in_order(desk, account, [r for r in _open_rows(desk, account) if r.kind in desk.policy.cut.early])


def _accepted(desk: Desk, case_id: str, service: Service) -> list[CaseAccount]:
    with desk.store.read() as session:
        return [a for a in accounts_of(session, case_id, service) if a.standing is Standing.ACCEPTED]


def _open_rows(desk: Desk, account: CaseAccount) -> list[CaseEntitlement]:
    """Return what is open and may be cut; nothing at all of an account that must not be cut."""
    with desk.store.read() as session:
        rows = rows_of(session, account.case_id, account)
    if any(row.guard in _WHOLE_ACCOUNT for row in rows if row.kind is EntitlementKind.SIGN_IN):
        return []
    return [row for row in rows if may_cut(row)]


async def _contain(desk: Desk, case: Case, account: CaseAccount) -> None:
    rows = _open_rows(desk, account)
    block = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
    if case.kind is DepartureKind.DISMISSAL:
        await _block(desk, account, block)
    else:
        first = asyncio.ensure_future(_in_order(desk, account, [row for row in rows if row.order < 0]))
        await asyncio.wait({first}, timeout=desk.policy.cut.precut_seconds)
        await _block(desk, account, block)
        await first  # what policy's time did not suffice for is finished, not forgotten
    await _in_order(desk, account, [r for r in _open_rows(desk, account) if r.kind is EntitlementKind.SESSION])


async def _deprovision(desk: Desk, case: Case, account: CaseAccount) -> None:
    allowed = kinds_for(case, desk.connectors[account.service])
    rows = [row for row in _open_rows(desk, account) if row.kind in allowed]
    dead = _out_of_reach(desk, account, rows)
    _let_die(desk, account, dead)
    await _in_order(desk, account, [row for row in rows if row not in dead])


async def _in_order(desk: Desk, account: CaseAccount, rows: Iterable[CaseEntitlement]) -> None:
    """Revoke *rows*, those of one order at once, the frozen kinds in one request."""
    for _, same in groupby(sorted(rows, key=lambda row: row.order), key=lambda row: row.order):
        group = list(same)
        kinds = desk.connectors[account.service].manifest.kinds
        frozen = [row for row in group if kinds[row.kind].frozen]
        steps = [revoke(desk, account, row) for row in group if row not in frozen]
        if frozen:
            steps.append(_freeze(desk, account, frozen))
        await asyncio.gather(*steps)


async def _freeze(desk: Desk, account: CaseAccount, rows: list[CaseEntitlement]) -> None:
    """Revoke the kinds that the vendor takes in one request: an intent each, one exchange, an outcome each."""
    begin(desk, account, rows)
    try:
        receipts = {r.entitlement_id: r for r in await desk.connectors[account.service].freeze(account_of(account))}
    except ConnectorError as error:
        for row in rows:
            finish_failed(desk, account, row, error)
        return
    for row in rows:
        receipt = receipts.get(row.id)
        if receipt is None:
            missing = ConnectorError(f"{row.service}: freeze gave no receipt for {row.kind}")
            finish_failed(desk, account, row, missing)
        else:
            finish(desk, account, row, receipt)


async def _block(desk: Desk, account: CaseAccount, rows: list[CaseEntitlement]) -> None:
    """Block sign-in, then read until it is seen: the time of that read is the effective cut-off."""
    for row in rows:
        await revoke(desk, account, row)
    kinds = frozenset({EntitlementKind.SIGN_IN})
    waits = backoff(desk.policy.observe, limit=_BLOCK_SEEN_WITHIN)
    while True:
        listing = await desk.connectors[account.service].list_access(account_of(account), kinds)
        with desk.store.write() as session:
            merge(desk, session, account, listing, kinds)
            assess(desk, session, account.case_id)
            seen = [r.state for r in rows_of(session, account.case_id, account) if r.kind is EntitlementKind.SIGN_IN]
        refused = any(row.result in {RevocationResult.REFUSED, RevocationResult.FAILED} for row in rows)
        wait = next(waits, None)
        if wait is None or refused or all(state in SETTLED for state in seen):
            return
        await desk.sleep(wait)


def _out_of_reach(desk: Desk, account: CaseAccount, rows: list[CaseEntitlement]) -> list[CaseEntitlement]:
    """Return the rows that can no longer be taken away because the account is blocked."""
    with desk.store.read() as session:
        every = rows_of(session, account.case_id, account)
    blocked = any(r.kind is EntitlementKind.SIGN_IN and r.state is EntitlementState.OBSERVED_CLOSED for r in every)
    kinds = desk.connectors[account.service].manifest.kinds
    return [row for row in rows if blocked and kinds[row.kind].dies_with_block]


def _let_die(desk: Desk, account: CaseAccount, rows: list[CaseEntitlement]) -> None:
    """Record as open what the block has put out of reach: inert while blocked, to be cleared before any restore."""
    with desk.store.write() as session:
        for row in rows:
            row.state = EntitlementState.STILL_OPEN
            row.problem = "cannot be taken away from a blocked account; it is inert while the block lasts"
            row.remedy = "Accept it with a waiver; it must be cleared in the same minute as any restore."
            session.add(row)
        assess(desk, session, account.case_id)
