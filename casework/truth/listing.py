"""What a listing adds to what is known of an account: the newest read of each kind, and its rows.  What they come to is `derive`'s."""

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
"""Characters of a vendor's own name for something that are kept."""
_SAID_NO = frozenset({RevocationResult.REFUSED, RevocationResult.FAILED, RevocationResult.UNKNOWN})


def take_in(context: Context, session: Session, account: CaseAccount, listing: Listing, kinds: Kinds) -> TruthTable:
    """
    Keep a fresh listing of *account* over *kinds*: the newest read of each kind, and a row for each thing that it shows.  Return
    the case's table with them.

    A kind that could not be looked at keeps what was read before, and gets a row that stands for the whole of it.  Changes no
    state: whoever calls this assesses the table in the same transaction.
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
    """Who rules over the tenant, as far as a listing could not see it, is who did when it was last seen."""
    return seen if seen.administrators is not None else replace(seen, administrators=frozenset(read.administrators))


def _keep(context: Context, read: KindRead, listed: Sequence[Entitlement], evidence: Sequence[Evidence]) -> bool:
    """
    Take one attempt into *read*; return whether it tells anything new.

    Attempts are ordered by the time they were sent, on the database's clock and at the earliest: several machines ask.  So are
    successes by themselves: one whose answer comes after a younger failure still counts.  One without any exchange is no look: it failed, or there is no API to ask.
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


def _tell(  # what a read was, and what came of it
    context: Context, read: KindRead, listed: Sequence[Entitlement], evidence: Sequence[Evidence], instant: datetime
) -> None:
    """
    Seal what this attempt asked and showed, unless the same was told before, and since the *instant* if it was made since.

    A kind that could not even be asked about tells that; one that no API lists, or not on this plan, has nothing to tell.
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
    """Return the SHA-256 over what was listed: *vendor_id* and state, a line each, in their order."""
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
    """An account that was blocked already when we first looked has a row too: the record shows that we looked."""
    blocked = Entitlement(account.connection, account.vendor_id, EntitlementKind.SIGN_IN, ACCOUNT)
    row = _new_row(context, session, account, blocked, manifest)
    row.label = "blocked already when first looked at"
    return row


def _describe(
    context: Context, session: Session, account: CaseAccount, row: CaseEntitlement, seen: Entitlement
) -> None:
    """
    Take over what the listing says about the row, besides its state.  An ending that a log told once has happened.

    What was refused because of a guard that has gone is asked again.
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
        return row.guard  # not asked this time: what was known stands
    if own is not None and account.vendor_id in own:
        return Guard.OWN_CREDENTIAL
    protected = {fold_email(name) for name in context.policy.protected.accounts}
    if {fold_email(f"{account.connection}:{account.vendor_id}"), fold_email(account.label)} & (protected - {""}):
        return Guard.PROTECTED
    return Guard.LAST_ADMIN if is_last(context, session, account, seen.administrators or ()) else seen.guard
