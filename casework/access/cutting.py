"""
The cut: containment at the due instant, then everything else.

A scheduled departure does first, within the time that policy grants, what dies with the block; a dismissal blocks first.
Accounts, and independent revocations of one account, go at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from itertools import groupby
from typing import Any

from casework.access import planning
from casework.access.findings import assess
from casework.access.reads import account_of, look
from casework.access.revoking import (
    OPEN,
    begin,
    conclude_by_read,
    finish,
    finish_failed,
    may_ask,
    may_be_closed,
    revoke,
)
from casework.access.rows import accounts_of, rows_of, take_in
from casework.backoff import backoff
from casework.desk import Desk
from connectors.errors import ConnectorError
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import (
    SETTLED,
    AccountKind,
    EntitlementKind,
    Guard,
    RevocationResult,
    Service,
    Standing,
)

_WHOLE_ACCOUNT = frozenset({Guard.OWN_CREDENTIAL, Guard.LAST_ADMIN, Guard.PRIMARY_OWNER, Guard.PROTECTED})
_BLOCK_SEEN_WITHIN = 60.0
_LAST_LOOK = 5.0
_NOT_ACCEPTED_YET = frozenset({None, RevocationResult.FAILED, RevocationResult.UNKNOWN})


async def contain(desk: Desk, case_id: str, service: Service) -> None:
    """
    Block sign-in and end sessions of every accepted account in *service*, and see the block.

    Raises nothing for an account: what did not succeed is a finding.  Changes nothing unless the case is for real.
    """
    case = desk.case(case_id)
    if not case.for_real:
        return
    await _make_ready(desk, case, service)
    await take_up(desk, case_id, service)
    await _each(_contain(desk, case, account) for account in _accepted(desk, case_id, service))


async def deprovision(desk: Desk, case_id: str, service: Service) -> None:
    """Take away the rest of every accepted account in *service*, in the manifest's order.  Never lifts a block."""
    case = desk.case(case_id)
    if not case.for_real:
        return
    await _each(_deprovision(desk, case, account) for account in _accepted(desk, case_id, service))


async def _each(accounts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Carry each account to its end, then raise what the first one raised: one that became doubtful stops no other."""
    for ended in await asyncio.gather(*accounts, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended


async def deprovision_early(desk: Desk, case_id: str) -> None:
    """Take away what policy cuts at the end of the last day worked already, sign-in staying as it is."""
    for account, rows in early_rows(desk, case_id):
        await _in_order(desk, account, rows)


def early_rows(desk: Desk, case_id: str) -> list[tuple[CaseAccount, list[CaseEntitlement]]]:
    """Return what is to be taken away early and has not been; nothing before the end of the last day worked."""
    case, early = desk.case(case_id), desk.policy.cut.early
    if not early or not case.for_real or case.last_working_at is None or case.last_working_at > desk.now():
        return []
    accounts = [account for service in desk.connectors or Service for account in _accepted(desk, case_id, service)]
    found = [(account, [row for row in _open_rows(desk, account) if row.kind in early]) for account in accounts]
    return [(account, rows) for account, rows in found if rows]


async def _make_ready(desk: Desk, case: Case, service: Service) -> None:
    """List, and plan, an account that was decided about or made since the plan, before it is touched."""
    if planning.unlisted(desk, case.id, service):
        kinds = planning.first_kinds(case)
        await planning.take_inventory(desk, case.id, kinds=kinds, services=[service])
        planning.seal_plan(desk, case.id, scope="full" if kinds is None else "containment")


def _accepted(desk: Desk, case_id: str, service: Service) -> list[CaseAccount]:
    with desk.store.read() as session:
        return [a for a in accounts_of(session, case_id, service) if a.standing is Standing.ACCEPTED]


def _open_rows(desk: Desk, account: CaseAccount) -> list[CaseEntitlement]:
    """Return what the vendor is to be asked for; nothing at all of an account that must not be cut."""
    with desk.store.read() as session:
        rows = rows_of(session, account.case_id, account)
    block = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
    if any(row.guard in _WHOLE_ACCOUNT for row in block):
        return []
    blocked_at = max((row.observed_at for row in block if row.observed_at is not None), default=None)
    kinds = desk.connectors[account.service].manifest.kinds
    reachable = [row for row in rows if blocked_at is None or not kinds[row.kind].dies_with_block]
    return [row for row in reachable if may_ask(desk, row, blocked_at)]


async def _contain(desk: Desk, case: Case, account: CaseAccount) -> None:
    """
    Contain one account.  Its sign-in is read once more before anything is asked: a guard may have come up since the plan,
    the last administrator being one who was not the last then.  A look that takes long does not hold up the cut.
    """
    async with desk.one_at_a_time(account.service, privileged=_is_privileged(desk, account)):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LOOK):
                await _see_block(desk, account)
        if case.at_once_at is not None:
            await _block(desk, account)
        else:
            await _block_after_what_dies_with_it(desk, account)
    await _in_order(desk, account, [r for r in _open_rows(desk, account) if r.kind is EntitlementKind.SESSION])


def _is_privileged(desk: Desk, account: CaseAccount) -> bool:
    with desk.store.read() as session:
        rows = rows_of(session, account.case_id, account)
    block = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
    marked = any(row.guard is Guard.PRIVILEGED or row.prestate.get("privileged") for row in block)
    return account.kind is AccountKind.ADMIN or marked


async def _block_after_what_dies_with_it(desk: Desk, account: CaseAccount) -> None:
    first = asyncio.ensure_future(_in_order(desk, account, [r for r in _open_rows(desk, account) if r.order < 0]))
    try:
        await asyncio.wait({first}, timeout=desk.policy.cut.precut_seconds)
        await _block(desk, account)
    finally:
        await first  # what policy's time did not suffice for is finished, not forgotten


async def _deprovision(desk: Desk, case: Case, account: CaseAccount) -> None:
    allowed = planning.kinds_for(case, desk.connectors[account.service])
    await _in_order(desk, account, [row for row in _open_rows(desk, account) if row.kind in allowed])


async def _in_order(desk: Desk, account: CaseAccount, rows: Iterable[CaseEntitlement]) -> None:
    """Revoke *rows*, those of one order at once."""
    for _, same in groupby(sorted(rows, key=lambda row: row.order), key=lambda row: row.order):
        await _revoke_all(desk, account, list(same))


async def _revoke_all(desk: Desk, account: CaseAccount, rows: list[CaseEntitlement]) -> None:
    """Revoke *rows* at once, the frozen kinds in one request."""
    kinds = desk.connectors[account.service].manifest.kinds
    frozen = [row for row in rows if kinds[row.kind].frozen]
    await asyncio.gather(
        revoke(desk, account, [row for row in rows if row not in frozen]), _freeze(desk, account, frozen)
    )


async def _freeze(desk: Desk, account: CaseAccount, rows: list[CaseEntitlement]) -> None:
    """Revoke the kinds that the vendor takes in one request: an intent each, one exchange, an outcome each."""
    if not rows:
        return
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


async def _block(desk: Desk, account: CaseAccount) -> None:
    """
    Block sign-in, then read until it is seen: the time of that read is the effective cut-off.

    A failure on the way is tried again within the same minute; an accepted command is not repeated, only looked for.
    A refusal is left to the next run: the reason for it may have gone by then.
    """
    waits = backoff(desk.policy.observe, limit=_BLOCK_SEEN_WITHIN)
    first = True
    while True:
        block = [row for row in _open_rows(desk, account) if row.kind is EntitlementKind.SIGN_IN]
        await revoke(desk, account, [row for row in block if first or row.result in _NOT_ACCEPTED_YET])
        first = False
        rows = await _see_block(desk, account)
        hopeless = any(row.result is RevocationResult.REFUSED or not may_be_closed(row) for row in rows)
        wait = next(waits, None)
        if wait is None or hopeless or all(row.state in SETTLED for row in rows):
            return
        await desk.sleep(wait)


async def _see_block(desk: Desk, account: CaseAccount) -> list[CaseEntitlement]:
    kinds = frozenset({EntitlementKind.SIGN_IN})
    listing = await look(desk, account, kinds)
    with desk.store.write() as session:
        take_in(desk, session, account, listing, kinds)
        assess(desk, session, account.case_id)
        return [row for row in rows_of(session, account.case_id, account) if row.kind is EntitlementKind.SIGN_IN]


async def take_up(desk: Desk, case_id: str, service: Service) -> None:
    """
    Give an outcome to each intent that a crash left open and that something has overtaken: a later read, a waiver.

    By a read alone: what was signed for meanwhile is not asked for.  Open rows keep their intent: the cut comes to them in
    its order, and reads before it asks again.
    """
    for account in _accepted(desk, case_id, service):
        with desk.store.read() as session:
            rows = [row for row in rows_of(session, case_id, account) if row.op is not None and row.state not in OPEN]
        for row in rows:
            await conclude_by_read(desk, account, row, RevocationResult.UNKNOWN, only_if_gone=False)
