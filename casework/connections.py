"""
The services' connections, as casework uses them: probed before the first use, since what a plan and scopes allow is the
manifest, and read afresh.  A read that fails as a whole is a row for each kind, never an exception or a silence.
"""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

from casework.context import Context
from connectors.contract import Connector, Kinds, Listing, cannot_look
from connectors.errors import ConnectorError, Unintelligible
from models.tables import Case, CaseAccount
from models.vocabulary import Account, ConnectionId, DepartureKind, EntitlementKind, EntitlementState

SIGN_IN: Kinds = frozenset({EntitlementKind.SIGN_IN})
CONTAINMENT: Kinds = SIGN_IN | {EntitlementKind.SESSION}


async def ready(context: Context, connection: ConnectionId) -> Connector:
    """
    Return the connector of *connection*, probed once for this process, however many ask for it at once.

    Raises `ConnectorError` if it is not configured or its probe fails: that is not remembered, the next call probes again.
    """
    if connection not in context.connectors:
        raise ConnectorError(f"{connection}: is not configured any more", remedy="Add it to LASTDAY_SERVICES again.")
    async with context.probing.setdefault(connection, asyncio.Lock()):
        if connection not in context.own_accounts:
            context.own_accounts[connection] = (await context.connectors[connection].probe()).own_account_ids
    return context.connectors[connection]  # a probe may have opened it


def account_of(row: CaseAccount) -> Account:
    """Return the account as its connector knows it."""
    return Account(row.connection, row.vendor_id, row.kind, row.label, row.active, row.mastered_elsewhere)


def kinds_for(case: Case, connector: Connector, kinds: Kinds | None = None) -> Kinds:
    """Return which kinds concern *case* at *connector*: a leave of absence is disabled, nothing is taken apart."""
    every = frozenset(connector.manifest.kinds)
    if case.kind is DepartureKind.LEAVE:
        every &= CONTAINMENT
    return every if kinds is None else every & kinds


def failure_of(connection: ConnectionId, exc: Exception) -> ConnectorError:
    """Return what went wrong in a read as the connector's failure: what nobody foresaw is this service's, and stops no other."""
    if isinstance(exc, ConnectorError):
        return exc
    *_, (file, line, *_) = traceback.extract_tb(exc.__traceback__)
    where = f"{type(exc).__name__} at {Path(file).name}:{line}"  # never its text, which may hold anything
    remedy = "Report it: this version cannot read what the service answers."
    return Unintelligible(f"{connection}: cannot be read: {where}", remedy=remedy)


async def read_access(context: Context, account: CaseAccount, kinds: Kinds) -> Listing:
    """
    List *account*'s access of *kinds*, by new requests.

    After an answer that nobody foresaw each kind is asked for by itself: it makes no other one unreadable.
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
