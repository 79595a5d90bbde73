"""
Exits that a block froze, and that live again when it is lifted: grants, app passwords, codes, addresses for a reset.

Where they can be reached only in an active account: a new password that nobody knows, the block lifted, the exits first.
"""

from __future__ import annotations

from datetime import timedelta

from casework.access.reads import look
from casework.access.rows import rows_of, take_in
from casework.access.states import WHOLE_KIND
from casework.access.writes import take
from casework.desk import Desk
from connectors.contract import Kinds, Manifest
from connectors.errors import ConnectorError
from models.tables import CaseAccount, CaseEntitlement
from models.vocabulary import Confirmation, DepartureKind, EntitlementKind, Restores

WITHIN = timedelta(seconds=60)
"""From lifting the block to having seen every exit gone."""
_BETWEEN = 2.0


def frozen_kinds(desk: Desk, account: CaseAccount, manifest: Manifest) -> Kinds:
    """Return the kinds that must be seen gone once the block is lifted; none after a leave of absence: all of it is the person's."""
    if desk.case(account.case_id).kind is DepartureKind.LEAVE:
        return frozenset()
    return frozenset(
        kind
        for kind, line in manifest.kinds.items()
        if (line.order < 0 or line.dies_with_block)
        and line.confirmation is Confirmation.READ
        and line.restores is Restores.RE_ENROL
    )


async def change_password(desk: Desk, account: CaseAccount, manifest: Manifest) -> ConnectorError | None:
    """Let the connector set a password that nobody knows, where the service has one; return why it could not."""
    if EntitlementKind.PASSWORD not in manifest.kinds:
        return None
    for row in await _listed(desk, account, frozenset({EntitlementKind.PASSWORD})):
        if row.vendor_id != WHOLE_KIND and (failure := await take(desk, account, row)) is not None:
            return failure
    return None


async def clear(desk: Desk, account: CaseAccount, kinds: Kinds) -> str:
    """Take every exit away until a read shows none; return what is left when the minute is over, nothing if nothing is."""
    until = desk.now() + WITHIN * 0.9  # so that what is left can be said before the minute is over
    while True:
        rows = await _listed(desk, account, kinds)
        if not rows:
            return ""
        for row in rows:
            if row.vendor_id != WHOLE_KIND:
                await take(desk, account, row)
        if desk.now() >= until:
            return f"not seen gone within a minute: {', '.join(sorted({str(row.kind) for row in rows}))}"
        await desk.sleep(_BETWEEN)


async def _listed(desk: Desk, account: CaseAccount, kinds: Kinds) -> list[CaseEntitlement]:
    """Read the account now and return the rows that the read shows; a kind that could not be read is one of them."""
    listing = await look(desk, account, kinds)
    seen = {entitlement.id for entitlement in listing}
    with desk.store.write() as session:
        take_in(desk, session, account, listing, kinds)
        session.flush()
        return [row for row in rows_of(session, account.case_id, account) if row.id in seen]
