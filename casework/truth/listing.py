"""Merge a listing into the truth table: the newest read of each kind, and its rows.  `derive` writes their states."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from casework.context import Context
from casework.recording import asked_by, exchanges, is_told, seal_seen
from casework.truth.administrators import is_last
from casework.truth.rows import TruthTable, load
from casework.truth.states import NOT_LOOKED_AT, WHOLE_KIND
from connectors.contract import Kinds, Listing, Manifest
from connectors.errors import storable
from connectors.matching import fold_email
from models.tables import CaseAccount, CaseEntitlement, KindRead
from models.vocabulary import (
    ACCOUNT,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Evidence,
    Guard,
    RevocationResult,
)

LONGEST_LABEL = 200
"""Characters of a vendor's label that are kept."""
_SAID_NO = frozenset({RevocationResult.REFUSED, RevocationResult.FAILED, RevocationResult.UNKNOWN})


def take_in(context: Context, session: Session, account: CaseAccount, listing: Listing, kinds: Kinds) -> TruthTable:
    """
    Merge a new listing of *account* over *kinds*: the newest read of each kind, and a row for each entitlement in it.  Return
    the case's table with them.

    A kind that could not be read keeps its last successful read, and gets a `WHOLE_KIND` row.  Changes no state: the caller
    assesses the table in the same transaction.
    """
    manifest, table = context.connectors[account.connection].manifest, load(context, session, account.case_id)
    rows = {row.id: row for row in table.rows_of(account)}
    known = {*rows}
    for kind in kinds & frozenset(manifest.kinds):
        place = account.connection, account.vendor_id, kind
        read = table.reads.get(place) or KindRead(
            case_id=account.case_id, connection=account.connection, account_id=account.vendor_id, kind=kind,
            shown=[], administrators=[], exchanges=[],
        )  # fmt: skip
        listed = [_ruled(entitlement, read) for entitlement in listing if entitlement.kind is kind]
        if not _keep(context, read, listed, listing.evidence.get(kind, ())):
            continue
        _tell(context, read, listed, listing.evidence.get(kind, ()), table.case.due_at)
        session.add(read)
        table.reads[place] = read
        for entitlement in listed:
            if (row := rows.get(entitlement.id)) is not None:
                _describe(context, session, account, row, entitlement)
                continue
            row = rows[entitlement.id] = _new_row(context, session, account, entitlement, manifest)
            session.add(row)
            seal_seen(context, session, row, account.ref, read.exchanges)
        looked = kind is EntitlementKind.SIGN_IN and read.failed_as is None
        if looked and not any(row.kind is kind and row.vendor_id != WHOLE_KIND for row in rows.values()):
            blocked = rows[ACCOUNT] = _blocked_before(context, session, account, manifest)
            session.add(blocked)
            seal_seen(context, session, blocked, account.ref, read.exchanges)
    table.every.extend(row for name, row in rows.items() if name not in known)
    return table


def _ruled(seen: Entitlement, read: KindRead) -> Entitlement:
    """Return *seen* with the administrators of the last read if this listing could not see them."""
    return seen if seen.administrators is not None else replace(seen, administrators=frozenset(read.administrators))


def _keep(context: Context, read: KindRead, listed: Sequence[Entitlement], evidence: Sequence[Evidence]) -> bool:
    """
    Merge one attempt into *read*; return whether it is news.

    Several machines read, so attempts are ordered by the earliest time at which they can have been sent, on the database's
    clock.  Successes have an order of their own: one whose answer comes after a younger failure still counts.  An attempt without an
    exchange is not a read: it failed, or the vendor has no API.
    """
    clock = context.store.clock
    sent_at = min((clock.earliest(e.sent_at) for e in evidence), default=context.now())
    whole = next((e for e in listed if e.vendor_id == WHOLE_KIND), None)
    failed_as = whole.state if whole is not None else None if evidence else EntitlementState.UNREADABLE
    newest = read.attempted_at is None or sent_at >= read.attempted_at
    if newest:
        read.attempted_at, read.failed_as = sent_at, failed_as
    if failed_as is None and (read.read_at is None or sent_at >= read.read_at):
        read.read_at, read.answered_at = sent_at, max(clock.latest(e.received_at) for e in evidence)
        read.shown, read.migrated = sorted(e.vendor_id for e in listed), False
        read.administrators = sorted(frozenset().union(*(e.administrators or () for e in listed)))
        newest = True
    if newest:
        read.exchanges = exchanges(evidence)
    return newest


def _tell(  # the requests of a read, and their result
    context: Context, read: KindRead, listed: Sequence[Entitlement], evidence: Sequence[Evidence], instant: datetime
) -> None:
    """
    Seal the requests and the result of this attempt, unless the same are sealed; the first attempt after the *instant* is
    always sealed.

    An attempt that failed before any request is sealed too; a kind that has no API, or is not on the plan, seals nothing.
    """
    if not evidence and read.failed_as is not EntitlementState.UNREADABLE:
        return
    whole = any(one.vendor_id == WHOLE_KIND for one in listed)
    rows = None if whole or not evidence else len(listed)
    asked = asked_by(context.store.clock, evidence) | {"shown": None if rows is None else _digest(listed)}
    if is_told(read.asked, asked, instant) and (read.asked or {}).get("shown") == asked["shown"]:
        return
    read.asked, read.rows = asked, rows


def _digest(listed: Sequence[Entitlement]) -> str:
    """Return the SHA-256 over the listing: sorted lines of *vendor_id* and state."""
    lines = sorted(f"{one.vendor_id} {one.state}\n" for one in listed)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _new_row(
    context: Context, session: Session, account: CaseAccount, entitlement: Entitlement, manifest: Manifest
) -> CaseEntitlement:
    line = manifest.kinds[entitlement.kind]
    row = CaseEntitlement(
        case_id=account.case_id,
        id=entitlement.id,
        connection=account.connection,
        account_id=account.vendor_id,
        kind=entitlement.kind,
        vendor_id=entitlement.vendor_id,
        state=entitlement.state,
        order=line.order,
        confirmation=line.confirmation,
        prestate={},
        found_at=context.now(),
    )
    _describe(context, session, account, row, entitlement)
    return row


def _blocked_before(context: Context, session: Session, account: CaseAccount, manifest: Manifest) -> CaseEntitlement:
    """Return a row for an account that was blocked before our first read: the record shows that we read it."""
    blocked = Entitlement(account.connection, account.vendor_id, EntitlementKind.SIGN_IN, ACCOUNT)
    row = _new_row(context, session, account, blocked, manifest)
    row.label = "blocked already when first looked at"
    return row


def _describe(
    context: Context, session: Session, account: CaseAccount, row: CaseEntitlement, seen: Entitlement
) -> None:
    """
    Copy the listing's columns to the row, without its state.  An ending that a log has shown once is never withdrawn.

    A refused row whose guard is gone is asked for again.
    """
    row.label = storable(seen.label)[:LONGEST_LABEL]
    row.ended_at = max((at for at in (row.ended_at, seen.ended_at) if at is not None), default=None)
    row.by_hand = seen.by_hand or (row.by_hand and row.result is RevocationResult.REFUSED)
    row.listed_as = seen.state if seen.state in NOT_LOOKED_AT and seen.vendor_id != WHOLE_KIND else None
    guard = _guard(context, session, account, row, seen)
    if row.guard is not None and guard is None and row.result is RevocationResult.REFUSED:
        row.result = None
    row.guard = guard
    if seen.problem is not None or row.result not in _SAID_NO:
        row.problem, row.remedy = seen.problem, seen.remedy
    if row.attempts == 0:
        row.prestate = dict(seen.prestate)


def _guard(
    context: Context, session: Session, account: CaseAccount, row: CaseEntitlement, seen: Entitlement
) -> Guard | None:
    own = context.own_accounts.get(account.connection)
    if own is None and row.guard is Guard.OWN_CREDENTIAL:
        return row.guard  # not probed yet: the known guard is kept
    if own is not None and account.vendor_id in own:
        return Guard.OWN_CREDENTIAL
    protected = {fold_email(name) for name in context.policy.protected.accounts}
    if {fold_email(f"{account.connection}:{account.vendor_id}"), fold_email(account.label)} & (protected - {""}):
        return Guard.PROTECTED
    return Guard.LAST_ADMIN if is_last(context, session, account, seen.administrators or ()) else seen.guard
