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
from connectors.matching import fold_email
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
    Standing,
)

LONGEST_LABEL = 200
"""Characters of a vendor's own name for something that are kept."""
WHOLE_KIND = "*"
"""The vendor id of the row that stands for a kind which could not be looked at."""
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


def accepted_rows(session: Session, case_id: str) -> list[CaseEntitlement]:
    """Return the rows of the accounts that are the leaver's."""
    accepted = {(a.service, a.vendor_id) for a in accounts_of(session, case_id) if a.standing is Standing.ACCEPTED}
    return [row for row in rows_of(session, case_id) if (row.service, row.account_id) in accepted]


def merge(desk: Desk, session: Session, account: CaseAccount, listing: Listing, kinds: Kinds) -> None:
    """
    Take a fresh listing of *account* over *kinds* into the table; see `next_state`.

    A kind that could not be looked at keeps its rows as they are and adds one that says so.
    """
    manifest = desk.connectors[account.service].manifest
    rows = {row.id: row for row in rows_of(session, account.case_id, account)}
    listed = {entitlement.id: entitlement for entitlement in listing}
    blind = {e.kind for e in listing if e.vendor_id == WHOLE_KIND}
    for entitlement in listing:
        if entitlement.id not in rows:
            row = rows[entitlement.id] = _new_row(desk, account, entitlement, manifest)
            session.add(row)
            seal_seen(desk, session, row, account.ref, listing.evidence.get(row.kind, ()))
        _describe(desk, account, rows[entitlement.id], entitlement)
    # the block first: whether sessions have ended depends on it
    for row in sorted(rows.values(), key=lambda row: row.kind is not EntitlementKind.SIGN_IN):
        if row.kind in kinds and (row.id in listed or row.kind not in blind or row.vendor_id == WHOLE_KIND):
            evidence = listing.evidence.get(row.kind, ())
            new = next_state(row, listed.get(row.id), evidence, manifest.kinds[row.kind], _block_of(rows))
            _update(desk, session, account, row, new, evidence)
    _ensure_sign_in(desk, session, account, rows, listing, kinds - blind)
    _imply(desk, session, account, rows, manifest)


def next_state(
    row: CaseEntitlement,
    seen: Entitlement | None,
    evidence: Sequence[Evidence],
    line: KindManifest,
    block: CaseEntitlement | None,
) -> EntitlementState:
    """
    Return what a read makes of *row*: *seen* is its entry in the listing, None if it was not in it.

    | the read                               | makes of it                                                    |
    |----------------------------------------|----------------------------------------------------------------|
    | could not look                         | what the listing says; a signed row stays                      |
    | younger than the command, not listed   | `observed_closed`; a signed row stays                          |
    | younger than the command, listed       | `found`, `still_open` after a command; a waived row stays      |
    | a stamp after the command              | `observed_closed`                                              |
    | no such stamp (yet)                    | a commanded or signed row stays: a late log contradicts nobody |
    | older than the command, or no evidence | nothing                                                        |
    """
    if seen is not None and seen.state in _NOT_LOOKED_AT:
        return row.state if row.state in _SIGNED_FOR else seen.state
    if row.state is EntitlementState.WAIVED or (line.implied_by is not None and row.vendor_id != WHOLE_KIND):
        return row.state
    if seen is not None and line.stamped:
        return _by_stamp(row, block)
    if not _younger(row, evidence):
        return row.state
    if seen is None:
        return row.state if row.state is EntitlementState.ATTESTED else EntitlementState.OBSERVED_CLOSED
    return EntitlementState.STILL_OPEN if row.attempts else EntitlementState.FOUND


def _by_stamp(row: CaseEntitlement, block: CaseEntitlement | None) -> EntitlementState:
    since = _ended_since(row, block)
    if since is not None and row.ended_at is not None and row.ended_at >= since:
        return EntitlementState.OBSERVED_CLOSED
    if row.state in {EntitlementState.COMMANDED, EntitlementState.ATTESTED}:
        return row.state
    return EntitlementState.STILL_OPEN if row.attempts else EntitlementState.FOUND


def _ended_since(row: CaseEntitlement, block: CaseEntitlement | None) -> datetime | None:
    """
    Return the instant after which an ending counts, on the vendor's clock; None while no ending would.

    Sessions count as ended only by an ending after the block: before it, another could be opened.  An ending after it
    counts whoever asked for it.  A block that was there before us sets no instant of its own.
    """
    if row.kind is not EntitlementKind.SESSION or block is None:
        return row.vendor_commanded_at
    if block.state is not EntitlementState.OBSERVED_CLOSED:
        return None
    return block.vendor_commanded_at or row.vendor_commanded_at


def _block_of(rows: dict[str, CaseEntitlement]) -> CaseEntitlement | None:
    return next(
        (row for row in rows.values() if row.kind is EntitlementKind.SIGN_IN and row.vendor_id != WHOLE_KIND), None
    )


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


def _describe(desk: Desk, account: CaseAccount, row: CaseEntitlement, seen: Entitlement) -> None:
    """Take over what the listing says about the row, besides its state."""
    row.label, row.ended_at = seen.label[:LONGEST_LABEL], seen.ended_at
    if seen.problem is not None or row.result not in _SAID_NO:
        row.problem, row.remedy = seen.problem, seen.remedy
    row.guard = _guard(desk, account, row, seen)
    if row.attempts == 0:
        row.prestate = dict(seen.prestate)


def _younger(row: CaseEntitlement, evidence: Sequence[Evidence]) -> bool:
    """Whether the read was sent after the command's answer had come: only such a read proves anything."""
    return bool(evidence) and (row.commanded_at is None or min(e.sent_at for e in evidence) >= row.commanded_at)


def _guard(desk: Desk, account: CaseAccount, row: CaseEntitlement, seen: Entitlement) -> Guard | None:
    own = desk.own_accounts.get(account.service)
    if own is None and row.guard is Guard.OWN_CREDENTIAL:
        return row.guard  # not asked this time: what was known stands
    if own is not None and account.vendor_id in own:
        return Guard.OWN_CREDENTIAL
    protected = {fold_email(name) for name in desk.policy.protected.accounts}
    if {fold_email(f"{account.service}:{account.vendor_id}"), fold_email(account.label)} & (protected - {""}):
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
    """Set the state; seal what was seen when it changed."""
    session.add(row)
    if row.state is new:
        return
    came_back = row.state is EntitlementState.OBSERVED_CLOSED
    row.state = new
    if new is EntitlementState.OBSERVED_CLOSED:
        _close(desk, row, evidence)
    elif came_back:
        _open_again(row)
    seal_seen(desk, session, row, account.ref, evidence)


def _close(desk: Desk, row: CaseEntitlement, evidence: Sequence[Evidence]) -> None:
    line = desk.connectors[row.service].manifest.kinds[row.kind]
    seen_at: datetime = max((e.received_at for e in evidence), default=desk.now())
    row.observed_at, row.confirmed_by = seen_at, line.confirmation
    row.problem = row.remedy = None
    row.cut_effective_by = seen_at + line.residual


def _open_again(row: CaseEntitlement) -> None:
    """What was seen closed and is seen open is not late, it came back: it is to be asked for at once."""
    row.observed_at = row.confirmed_by = row.cut_effective_by = None
    row.result = row.commanded_at = row.vendor_commanded_at = None


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
