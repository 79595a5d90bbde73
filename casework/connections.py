"""
The connections to services.  Each is probed before its first use, since its manifest depends on the tenant's plan and our scopes.
A read that fails as a whole becomes a row for each kind, never an exception and never an empty listing.
"""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

from casework.context import Context
from connectors.contract import Connector, Kinds, Listing, cannot_look
from connectors.errors import ConnectorError, Unintelligible
from connectors.kit.limits import Rank, at_least
from models.tables import Case, CaseAccount
from models.vocabulary import Account, ConnectionId, DepartureKind, EntitlementKind, EntitlementState

SIGN_IN: Kinds = frozenset({EntitlementKind.SIGN_IN})
CONTAINMENT: Kinds = SIGN_IN | {EntitlementKind.SESSION}


async def ready(context: Context, connection: ConnectionId) -> Connector:
    """
    Return the connector of *connection*, probed once in this process, also for calls at the same time.

    Raises `ConnectorError` if it is not configured or its probe fails; a failure is not remembered: the next call probes again.
    """
    if connection not in context.connectors:
        raise ConnectorError(f"{connection}: is not configured any more", remedy="Add it to LASTDAY_SERVICES again.")
    async with context.probing.setdefault(connection, asyncio.Lock()):
        if connection not in context.own_accounts:
            with at_least(Rank.URGENT):  # a cut may wait for it, even if another task began it
                context.own_accounts[connection] = (await context.connectors[connection].probe()).own_account_ids
    return context.connectors[connection]  # a probe may have opened it


def account_of(row: CaseAccount) -> Account:
    """Return the account in the connector's type."""
    return Account(row.connection, row.vendor_id, row.kind, row.label, row.active, row.mastered_elsewhere)


def kinds_for(case: Case, connector: Connector, kinds: Kinds | None = None) -> Kinds:
    """Return the kinds that concern *case* at *connector*: for a leave of absence only containment."""
    every = frozenset(connector.manifest.kinds)
    if case.kind is DepartureKind.LEAVE:
        every &= CONTAINMENT
    return every if kinds is None else every & kinds


def failure_of(connection: ConnectionId, exc: Exception) -> ConnectorError:
    """Return an exception of a read as a connector's failure: an unforeseen one concerns this service and stops no other."""
    if isinstance(exc, ConnectorError):
        return exc
    *_, (file, line, *_) = traceback.extract_tb(exc.__traceback__)
    where = f"{type(exc).__name__} at {Path(file).name}:{line}"  # never its text, which may hold anything
    remedy = "Report it: this version cannot read what the service answers."
    return Unintelligible(f"{connection}: cannot be read: {where}", remedy=remedy)


async def read_access(context: Context, account: CaseAccount, kinds: Kinds) -> Listing:
    """
    List *account*'s access of *kinds*, by new requests.

    After an unforeseen exception each kind is read by itself, so that one kind makes no other unreadable.
    """
    try:
        connector = await ready(context, account.connection)
    except Exception as exc:  # noqa: BLE001  # see `failure_of`
        return _unreadable(account, kinds, exc)
    try:
        return await connector.list_access(account_of(account), kinds)
    except Exception as exc:  # noqa: BLE001  # see `failure_of`
        if isinstance(exc, ConnectorError) or len(kinds) == 1:
            return _unreadable(account, kinds, exc)
    singly = await asyncio.gather(*(read_access(context, account, frozenset({kind})) for kind in sorted(kinds)))
    return Listing(
        (row for one in singly for row in one), {kind: seen for one in singly for kind, seen in one.evidence.items()}
    )


def _unreadable(account: CaseAccount, kinds: Kinds, exc: Exception) -> Listing:
    """Return a row for each of *kinds* that says why it could not be read."""
    error = failure_of(account.connection, exc)
    where = account.connection, account.vendor_id
    rows = [
        cannot_look(*where, kind, EntitlementState.UNREADABLE, problem=str(error), remedy=error.advice)
        for kind in sorted(kinds)
    ]
    return Listing(rows, dict.fromkeys(kinds, error.evidence))
