"""
The truth table's rows, and how a listing changes them.

This is the one place where something becomes `observed_closed`: by a read that is younger than the command.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from casework.desk import Desk
from casework.recording import seal_seen
from connectors.contract import KindManifest, Kinds, Listing, Manifest
from models.tables import CaseAccount, CaseEntitlement
from models.vocabulary import (
    Confirmation,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Evidence,
    Guard,
    RevocationResult,
    Service,
)

_WHOLE_KIND = "*"
_NOT_LOOKED_AT = frozenset({EntitlementState.UNREADABLE, EntitlementState.NOT_ON_PLAN, EntitlementState.NO_API})
_SAID_NO = frozenset({RevocationResult.REFUSED, RevocationResult.FAILED, RevocationResult.UNKNOWN})
_SIGNED_FOR = frozenset({EntitlementState.ATTESTED, EntitlementState.WAIVED})


def accounts_of(session: Session, case_id: str, *services: Service) -> Sequence[CaseAccount]:
    """Return the case's candidate accounts, of *services* or of all."""
    query = select(CaseAccount).where(CaseAccount.case_id == case_id).order_by(col(CaseAccount.id))
    if services:
        query = query.where(col(CaseAccount.service).in_(services))
    return session.exec(query).all()


def rows_of(session: Session, case_id: str, account: CaseAccount | None = None) -> list[CaseEntitlement]:
    """Return the case's rows, or those of one account, in the order of the cut."""
    query = select(CaseEntitlement).where(CaseEntitlement.case_id == case_id)
    if account is not None:
        query = query.where(CaseEntitlement.service == account.service, CaseEntitlement.account_id == account.vendor_id)
    return sorted(session.exec(query).all(), key=lambda row: (row.service, row.account_id, row.order, row.id))


def merge(desk: Desk, session: Session, account: CaseAccount, listing: Listing, kinds: Kinds) -> None:
    """
    Take a fresh listing of *account* over *kinds* into the table.

    What is listed is found, or still open once it was commanded; what is gone is observed closed, with the time of the
    read; a kind that could not be looked at keeps its rows as they are and adds one that says so.
    """
    manifest = desk.connectors[account.service].manifest
    rows = {row.id: row for row in rows_of(session, account.case_id, account)}
    listed = {entitlement.id: entitlement for entitlement in listing}
    blind = {e.kind for e in listing if e.vendor_id == _WHOLE_KIND}
    for entitlement in listing:
        row = rows.get(entitlement.id)
        if row is None:
            row = rows[entitlement.id] = _new_row(desk, account, entitlement, manifest)
            _update(desk, session, account, row, row.state, listing.evidence.get(row.kind, ()))
        _take_listed(desk, session, account, row, entitlement, listing)
    for row in rows.values():
        if row.id not in listed and row.kind in kinds and not (row.kind in blind and row.vendor_id != _WHOLE_KIND):
            _take_absent(desk, session, account, row, listing)
    _ensure_sign_in(desk, session, account, rows, listing, kinds - blind)
    _imply(desk, session, account, rows, manifest)


def _new_row(desk: Desk, account: CaseAccount, entitlement: Entitlement, manifest: Manifest) -> CaseEntitlement:
    line = manifest.kinds[entitlement.kind]
    return CaseEntitlement(
        case_id=account.case_id,
        id=entitlement.id,
        service=account.service,
        account_id=account.vendor_id,
        kind=entitlement.kind,
        vendor_id=entitlement.vendor_id,
        state=entitlement.state,
        order=line.order,
        confirmation=line.confirmation,
        prestate=dict(entitlement.prestate),
        found_at=desk.now(),
    )


def _take_listed(
    desk: Desk, session: Session, account: CaseAccount, row: CaseEntitlement, seen: Entitlement, listing: Listing
) -> None:
    row.label = seen.label
    if seen.problem is not None or row.result not in _SAID_NO:
        row.problem, row.remedy = seen.problem, seen.remedy
    row.guard, row.ended_at = _guard(desk, account, seen), seen.ended_at
    if row.attempts == 0:
        row.prestate = dict(seen.prestate)
    evidence = listing.evidence.get(row.kind, ())
    if seen.state in _NOT_LOOKED_AT:
        new = row.state if row.state in _SIGNED_FOR else seen.state
    elif _stamp_closed(row):
        new = EntitlementState.OBSERVED_CLOSED
    elif (
        row.state is EntitlementState.WAIVED
        or row.confirmation is Confirmation.IMPLIED_BY
        or (row.state is EntitlementState.COMMANDED and not _younger(row, evidence))
    ):
        new = row.state
    else:
        new = EntitlementState.STILL_OPEN if row.attempts else EntitlementState.FOUND
        new = row.state if _waits_for_stamp(row) else new
    _update(desk, session, account, row, new, evidence)


def _take_absent(desk: Desk, session: Session, account: CaseAccount, row: CaseEntitlement, listing: Listing) -> None:
    evidence = listing.evidence.get(row.kind, ())
    if row.state in _SIGNED_FOR or row.state is EntitlementState.OBSERVED_CLOSED or not _younger(row, evidence):
        return
    if row.confirmation is Confirmation.IMPLIED_BY and row.vendor_id != _WHOLE_KIND:
        return
    row.problem = row.remedy = None
    _update(desk, session, account, row, EntitlementState.OBSERVED_CLOSED, evidence)


def _younger(row: CaseEntitlement, evidence: Sequence[Evidence]) -> bool:
    """Whether the read was sent after the command's answer had come: only such a read proves anything."""
    return bool(evidence) and (row.commanded_at is None or min(e.sent_at for e in evidence) >= row.commanded_at)


def _stamp_closed(row: CaseEntitlement) -> bool:
    """Whether the vendor's own stamp lies after our command, for kinds that cannot be listed one by one."""
    since = row.vendor_commanded_at
    return row.ended_at is not None and since is not None and row.ended_at >= since


def _waits_for_stamp(row: CaseEntitlement) -> bool:
    """A commanded row whose proof is the vendor's log is not contradicted by the log's being late."""
    return row.state is EntitlementState.COMMANDED and row.confirmation is Confirmation.AUDIT_EVENT


def _guard(desk: Desk, account: CaseAccount, seen: Entitlement) -> Guard | None:
    if account.vendor_id in desk.own_accounts.get(account.service, frozenset()):
        return Guard.OWN_CREDENTIAL
    protected = desk.policy.protected.accounts
    if f"{account.service}:{account.vendor_id}" in protected or (account.label and account.label in protected):
        return Guard.PROTECTED
    return seen.guard


def _update(  # a row, its new state, and what is needed to seal it
    desk: Desk,
    session: Session,
    account: CaseAccount,
    row: CaseEntitlement,
    new: EntitlementState,
    evidence: Sequence[Evidence],
) -> None:
    """Set the state; seal what was seen when it changed, or when the row is new."""
    fresh = row not in session
    changed = fresh or row.state is not new
    row.state = new
    if new is EntitlementState.OBSERVED_CLOSED and changed:
        _close(desk, row, evidence)
    session.add(row)
    if changed:
        seal_seen(desk, session, row, account.ref, evidence)


def _close(desk: Desk, row: CaseEntitlement, evidence: Sequence[Evidence]) -> None:
    line = desk.connectors[row.service].manifest.kinds[row.kind]
    seen_at: datetime = max((e.received_at for e in evidence), default=desk.now())
    row.observed_at, row.confirmed_by = seen_at, line.confirmation
    row.cut_effective_by = seen_at + line.residual


def _ensure_sign_in(  # the same six as `merge` has at hand
    desk: Desk,
    session: Session,
    account: CaseAccount,
    rows: dict[str, CaseEntitlement],
    listing: Listing,
    readable: Kinds,
) -> None:
    """An account that was blocked already when we first looked has a row too: the record shows that we looked."""
    if EntitlementKind.SIGN_IN not in readable or any(row.kind is EntitlementKind.SIGN_IN for row in rows.values()):
        return
    evidence = listing.evidence.get(EntitlementKind.SIGN_IN, ())
    if not evidence:
        return
    blocked = Entitlement(account.service, account.vendor_id, EntitlementKind.SIGN_IN, account.vendor_id)
    row = _new_row(desk, account, blocked, desk.connectors[account.service].manifest)
    row.label = "blocked already when first looked at"
    _update(desk, session, account, row, EntitlementState.OBSERVED_CLOSED, evidence)


def _imply(
    desk: Desk, session: Session, account: CaseAccount, rows: dict[str, CaseEntitlement], manifest: Manifest
) -> None:
    """Close what the vendor documents to end with another kind, once that was seen closed; open it with that again."""
    for row in rows.values():
        line: KindManifest = manifest.kinds[row.kind]
        if line.implied_by is None or row.confirmation is not Confirmation.IMPLIED_BY or row.state in _SIGNED_FOR:
            continue
        causes = [other for other in rows.values() if other.kind is line.implied_by]
        closed = bool(causes) and all(cause.state is EntitlementState.OBSERVED_CLOSED for cause in causes)
        if closed == (row.state is EntitlementState.OBSERVED_CLOSED):
            continue
        row.state = EntitlementState.OBSERVED_CLOSED if closed else EntitlementState.STILL_OPEN
        if closed:
            row.observed_at = max(cause.observed_at for cause in causes if cause.observed_at is not None)
            row.confirmed_by, row.cut_effective_by = Confirmation.IMPLIED_BY, row.observed_at + line.residual
        session.add(row)
        seal_seen(desk, session, row, account.ref, ())
