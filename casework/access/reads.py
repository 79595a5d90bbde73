"""One fresh look at an account.  A look that fails as a whole is a row for each kind, never an exception or a silence."""

from __future__ import annotations

import asyncio

from casework.desk import Desk
from connectors.contract import Kinds, Listing, cannot_look
from connectors.errors import ConnectorError
from models.tables import CaseAccount
from models.vocabulary import Account, EntitlementState, Service


def account_of(row: CaseAccount) -> Account:
    """Return the account as its connector knows it."""
    return Account(row.service, row.vendor_id, row.kind, row.label, row.active, row.mastered_elsewhere)


async def ready(desk: Desk, service: Service) -> None:
    """
    Probe *service*, unless this desk has: what can be listed and taken away depends on the tenant's plan, which a connector
    learns by probing.  Whoever asks meanwhile waits for the one probe.  Raises `ConnectorError`; what failed is tried again by
    the next one who asks.
    """
    if service in desk.own_accounts:
        return
    async with desk.probing.setdefault(service, asyncio.Lock()):
        if service not in desk.own_accounts:
            desk.own_accounts[service] = (await desk.connectors[service].probe()).own_account_ids


async def look(desk: Desk, account: CaseAccount, kinds: Kinds) -> Listing:
    """List *account*'s access of *kinds*, by new requests."""
    connector = desk.connectors[account.service]
    try:
        await ready(desk, account.service)
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
