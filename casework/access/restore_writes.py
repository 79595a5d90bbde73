"""
The writes of a restore: giving access back, and revoking the exits that make that unsafe.

An exit is a way in that the block froze and that works again once it is lifted: a grant, an app password, a code, an address for
a reset.  Where exits can be reached only in an active account, a new password that nobody knows is set before the block is
lifted, and the exits are revoked first of all.
"""

from __future__ import annotations

from datetime import timedelta

from casework.access.blast_radius import require_lease
from casework.access.revoking import ask
from casework.connections import read_access
from casework.context import Context
from casework.decisions.pausing import require_not_paused
from casework.recording import seal_intent, seal_outcome
from casework.truth import restore_outcomes
from casework.truth.listing import take_in
from casework.truth.rows import rows_of
from casework.truth.states import WHOLE_KIND
from connectors.contract import Kinds, Manifest
from connectors.errors import ConnectorError
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import (
    Confirmation,
    DepartureKind,
    EntitlementKind,
    Restorability,
    RestoreOutcome,
    RevocationResult,
)

GIVE, TAKE = "restore", "revoke"
CLEARED_WITHIN = timedelta(seconds=60)
"""The longest time from lifting the block to a read that shows no exit.  A choice: after it the account is blocked again."""
_BETWEEN = 2.0


def announce(context: Context, account: CaseAccount, row: CaseEntitlement, verb: str, *, lifted: bool = False) -> bool:
    """
    Commit the intent before the request is sent.  Return False, without an intent, for giving back what another case claims.

    The claim is checked in the intent's own transaction, so a case decided a moment ago counts.  Raises `Paused`,
    unless the block is *lifted*: then revoking goes on, so that the account does not keep its exits.
    """
    with context.store.write() as session:
        case = session.get_one(Case, account.case_id)
        require_lease(context, case)
        if not lifted:
            require_not_paused(session, case)
        if verb == GIVE:
            if restore_outcomes.claimants(context, session, row):
                return False
            row.restored = RestoreOutcome.PENDING
        else:
            row.attempts += 1
        row.op = context.name("op")
        session.add(row)
        seal_intent(context, session, row, account.ref, verb=verb)
    return True


async def take(
    context: Context, account: CaseAccount, row: CaseEntitlement, *, lifted: bool = True
) -> ConnectorError | None:
    """Revoke *row* during a restore; return the failure, if any.  *lifted*: see `announce`."""
    announce(context, account, row, TAKE, lifted=lifted)
    return await ask(context, account, row)


def close_intents(context: Context, account: CaseAccount) -> None:
    """Give the outcome `unknown` to the intents that a crash, or a time limit, left open."""
    with context.store.write() as session:
        for row in rows_of(session, account.case_id, account):
            if row.op is None:
                continue
            giving = row.restored is RestoreOutcome.PENDING
            if not giving:
                row.result = RevocationResult.UNKNOWN
            seal_outcome(
                context, session, row, account.ref, (), result=RevocationResult.UNKNOWN,
                text="interrupted before an answer", verb=GIVE if giving else TAKE,
            )  # fmt: skip


def frozen_kinds(context: Context, account: CaseAccount, manifest: Manifest) -> Kinds:
    """Return the kinds of exits that must be seen gone after the block is lifted; none after a leave: the person keeps them."""
    if context.case(account.case_id).kind is DepartureKind.LEAVE:
        return frozenset()
    return frozenset(
        kind
        for kind, line in manifest.kinds.items()
        if (line.order < 0 or line.dies_with_block)
        and line.confirmation is Confirmation.READ
        and line.restores is Restorability.RE_ENROL
    )


async def change_password(context: Context, account: CaseAccount, manifest: Manifest) -> ConnectorError | None:
    """
    Let the connector set a password that nobody knows, if the service has passwords, before the block is lifted.  Return the
    failure, if any.  Raises `Paused`.
    """
    if EntitlementKind.PASSWORD not in manifest.kinds:
        return None
    for row in await _listed(context, account, frozenset({EntitlementKind.PASSWORD})):
        if row.vendor_id == WHOLE_KIND:
            continue
        if (failure := await take(context, account, row, lifted=False)) is not None:
            return failure
    return None


async def clear(context: Context, account: CaseAccount, kinds: Kinds) -> str:
    """Revoke every exit until a read shows none; return which are left when the minute is over, or an empty text."""
    until = context.now() + CLEARED_WITHIN * 0.9  # leaves time to report before the minute is over
    while True:
        rows = await _listed(context, account, kinds)
        if not rows:
            return ""
        for row in rows:
            if row.vendor_id != WHOLE_KIND:
                await take(context, account, row)
        if context.now() >= until:
            return f"not seen gone within a minute: {', '.join(sorted({str(row.kind) for row in rows}))}"
        await context.sleep(_BETWEEN)


async def _listed(context: Context, account: CaseAccount, kinds: Kinds) -> list[CaseEntitlement]:
    """Read the account now and return the rows that the read shows, with one row for each kind that could not be read."""
    listing = await read_access(context, account, kinds)
    seen = {entitlement.id for entitlement in listing}
    with context.store.write() as session:
        table = take_in(context, session, account, listing, kinds)
        return [row for row in table.rows_of(account) if row.id in seen]
