"""
The writes of a restore: what is given back, and what is taken so that giving back is safe.

That is the exits which a block froze and which live again when it is lifted: grants, app passwords, codes, addresses for a
reset.  Where they can be reached only in an active account: a new password that nobody knows, the block lifted, the exits first.
"""

from __future__ import annotations

from datetime import timedelta

from casework.access.rails import require_lease
from casework.access.revoking import ask
from casework.connections import read_access
from casework.context import Context
from casework.decisions.pausing import require_not_paused
from casework.recording import seal_intent, seal_outcome
from casework.truth import fates
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
    Restored,
    Restores,
    RevocationResult,
)

GIVE, TAKE = "restore", "revoke"
CLEARED_WITHIN = timedelta(seconds=60)
"""From lifting the block to having seen every exit gone."""
_BETWEEN = 2.0


def announce(context: Context, account: CaseAccount, row: CaseEntitlement, verb: str, *, lifted: bool = False) -> bool:
    """
    Commit the intent before the request leaves; but not to give what another case claims: return False.

    The claim is asked for in the intent's own transaction: a case that was decided a moment ago counts.  Raises `Paused`,
    unless the block is *lifted*: then taking goes on, so that the account does not keep its exits.
    """
    with context.store.write() as session:
        case = session.get_one(Case, account.case_id)
        require_lease(context, case)
        if not lifted:
            require_not_paused(session, case)
        if verb == GIVE:
            if fates.claimants(context, session, row):
                return False
            row.restored = Restored.PENDING
        else:
            row.attempts += 1
        row.op = context.name("op")
        session.add(row)
        seal_intent(context, session, row, account.ref, verb=verb)
    return True


async def take(
    context: Context, account: CaseAccount, row: CaseEntitlement, *, lifted: bool = True
) -> ConnectorError | None:
    """Take *row* away in the course of a restore; return the failure, if it is one.  *lifted*: see `announce`."""
    announce(context, account, row, TAKE, lifted=lifted)
    return await ask(context, account, row)


def close_intents(context: Context, account: CaseAccount) -> None:
    """Give an outcome to the intents that a crash, or a time limit, left open: nobody knows what became of them."""
    with context.store.write() as session:
        for row in rows_of(session, account.case_id, account):
            if row.op is None:
                continue
            giving = row.restored is Restored.PENDING
            if not giving:
                row.result = RevocationResult.UNKNOWN
            seal_outcome(
                context, session, row, account.ref, (), result=RevocationResult.UNKNOWN,
                text="interrupted before an answer", verb=GIVE if giving else TAKE,
            )  # fmt: skip


def frozen_kinds(context: Context, account: CaseAccount, manifest: Manifest) -> Kinds:
    """Return the kinds that must be seen gone once the block is lifted; none after a leave of absence: all of it is the person's."""
    if context.case(account.case_id).kind is DepartureKind.LEAVE:
        return frozenset()
    return frozenset(
        kind
        for kind, line in manifest.kinds.items()
        if (line.order < 0 or line.dies_with_block)
        and line.confirmation is Confirmation.READ
        and line.restores is Restores.RE_ENROL
    )


async def change_password(context: Context, account: CaseAccount, manifest: Manifest) -> ConnectorError | None:
    """
    Let the connector set a password that nobody knows, where the service has one, before the block is lifted; return why it
    could not.  Raises `Paused`.
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
    """Take every exit away until a read shows none; return what is left when the minute is over, nothing if nothing is."""
    until = context.now() + CLEARED_WITHIN * 0.9  # so that what is left can be said before the minute is over
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
    """Read the account now and return the rows that the read shows; a kind that could not be read is one of them."""
    listing = await read_access(context, account, kinds)
    seen = {entitlement.id for entitlement in listing}
    with context.store.write() as session:
        table = take_in(context, session, account, listing, kinds)
        return [row for row in table.rows_of(account) if row.id in seen]
