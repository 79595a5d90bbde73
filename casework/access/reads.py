"""One fresh look at an account.  A look that fails as a whole is a row for each kind, never an exception or a silence."""

from __future__ import annotations

from casework.desk import Desk
from casework.ready import ready
from connectors.contract import Kinds, Listing, cannot_look
from connectors.errors import ConnectorError
from models.tables import CaseAccount
from models.vocabulary import Account, EntitlementState


def account_of(row: CaseAccount) -> Account:
    """Return the account as its connector knows it."""
    return Account(row.service, row.vendor_id, row.kind, row.label, row.active, row.mastered_elsewhere)


async def look(desk: Desk, account: CaseAccount, kinds: Kinds) -> Listing:
    """List *account*'s access of *kinds*, by new requests."""
    try:
        connector = await ready(desk, account.service)
        return await connector.list_access(account_of(account), kinds)
    except ConnectorError as error:
        blind = (
            cannot_look(
                account.service,
                account.vendor_id,
                kind,
                EntitlementState.UNREADABLE,
                problem=str(error),
                remedy=error.advice,
            )
            for kind in sorted(kinds)
        )
        return Listing(blind, dict.fromkeys(kinds, error.evidence))
