"""
Why a case may not close, worked out anew from what is known; and how far the case has come.

Findings are derived, never set by hand: whoever changes a row assesses the case in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.context import Context
from casework.lifecycle import ADVANCING, TAKEN_BACK, move
from casework.messages import Message, message
from casework.recording import seal
from casework.truth import fates, post_cut
from casework.truth.derive import derive
from casework.truth.reasons import quoted, reason, reason_of_row
from casework.truth.rows import TruthTable, load
from casework.truth.states import ACCEPTED
from models.tables import Attestation, Case, CaseAccount, CaseEntitlement, Finding
from models.vocabulary import (
    SETTLED,
    CaseState,
    EntitlementKind,
    EntitlementState,
    FindingKind,
    OpenReason,
    RevocationResult,
    Standing,
)

NO_ACCOUNT = "no_account"
"""What is attested, in an entitlement's place, when a person truly holds no account."""
_KNOWN_AT_ONCE = frozenset({
    OpenReason.UNREADABLE, OpenReason.NOT_ON_PLAN, OpenReason.NO_API, OpenReason.GUARDED, OpenReason.REFUSED,
})  # fmt: skip
"""What waiting cannot settle: said as soon as it is known, weeks ahead if need be."""


def assess(context: Context, session: Session, case_id: str) -> TruthTable:
    """
    Derive the rows' states, write and resolve findings, advance the case's state; return what that was worked out from.

    Twice in a row changes nothing.
    """
    session.flush()
    case = session.get_one(Case, case_id)
    table = load(context, session, case)
    derive(context, session, table)
    reasons = {finding.key: finding for finding in _reasons(context, session, table)}
    known = {f.key: f for f in session.exec(select(Finding).where(Finding.case_id == case_id)).all()}
    for key, finding in reasons.items():
        old = known.get(key)
        if old is None or old.resolved_at is not None:
            finding.opened_at = context.now()
            session.merge(finding)
            _seal(context, session, finding, EventType.FINDING_OPENED)
        elif _worded(old) != _worded(finding):
            finding.opened_at = old.opened_at
            session.merge(finding)
    for key, old in known.items():
        if key not in reasons and old.resolved_at is None:
            old.resolved_at = context.now()
            session.add(old)
            _seal(context, session, old, EventType.FINDING_RESOLVED)
    _advance(context, session, table)
    return table


def _worded(finding: Finding) -> tuple[str, ...]:
    return finding.text, finding.text_ja, finding.remedy, finding.remedy_ja


def open_findings(session: Session, case_id: str) -> list[Finding]:
    """Return the case's unresolved findings."""
    query = select(Finding).where(Finding.case_id == case_id, col(Finding.resolved_at).is_(None))
    return list(session.exec(query.order_by(col(Finding.key))).all())


def _seal(context: Context, session: Session, finding: Finding, event: EventType) -> None:
    seal(
        context, session, event, finding.case_id,
        finding=str(finding.kind), connection=finding.connection, kind=finding.entitlement_kind,
        payload={"key": finding.key, "text": finding.text},
    )  # fmt: skip


def _reasons(context: Context, session: Session, table: TruthTable) -> Iterator[Finding]:
    case = table.case
    yield from fates.reasons(session, case)
    if case.state in TAKEN_BACK:  # what was taken is no longer to be closed
        return
    query = select(Attestation).where(Attestation.case_id == case.id, col(Attestation.ended_at).is_(None))
    attested = {a.entitlement_id for a in session.exec(query).all() if a.attested_at >= case.due_at}
    yield from _reasons_of_searches(table, nobody_attested=NO_ACCOUNT in attested)
    for account in table.accepted.values():
        if account.listed_at is None and case.contained_at is not None:
            yield reason(
                case.id, FindingKind.UNREADABLE, f"{account.connection}:{account.vendor_id}", message("finding_unlisted"),
                connection=account.connection, account_id=account.vendor_id,
            )  # fmt: skip
    for row in table.rows:
        owner = table.accepted[row.connection, row.account_id]
        yield from _reasons_of_row(context, case, row, owner, attested=row.id in attested)
    yield from post_cut.reasons(session, case)


def _reasons_of_searches(table: TruthTable, *, nobody_attested: bool) -> Iterator[Finding]:
    for search in table.searches:
        if search.problem is not None:
            yield reason(
                table.case.id, FindingKind.UNMATCHED, search.connection,
                message("quoted", text=search.problem, remedy=search.remedy or ""), connection=search.connection,
            )  # fmt: skip
    somebody = any(account.standing in {Standing.ACCEPTED, Standing.ASKED} for account in table.accounts)
    everywhere = table.searches and all(search.problem is None for search in table.searches)
    if everywhere and not somebody and not nobody_attested:
        yield reason(table.case.id, FindingKind.NO_ACCOUNT, "-", message("finding_no_account", key=NO_ACCOUNT))


def _reasons_of_row(
    context: Context, case: Case, row: CaseEntitlement, account: CaseAccount, *, attested: bool
) -> Iterator[Finding]:
    waived = row.state is EntitlementState.WAIVED
    if row.kind is EntitlementKind.SIGN_IN and account.mastered_elsewhere and not (attested or waived):
        yield reason_of_row(row, FindingKind.MASTERED_ELSEWHERE, message("finding_mastered_elsewhere"))
    if row.state in SETTLED:
        return
    kind = _kind_of(context, case, row)
    if kind is not None:
        yield reason_of_row(row, kind, _told(row, kind))


def _kind_of(context: Context, case: Case, row: CaseEntitlement) -> FindingKind | None:
    """
    Return what is to be told of an open row, None while it is progress: found, commanded and seen closed within the time
    in which a run looks, or within the kind's own, is no finding.
    """
    if row.reason in _KNOWN_AT_ONCE:
        return FindingKind(row.reason)
    if row.reason is OpenReason.MASTERED_ELSEWHERE and row.kind is not EntitlementKind.SIGN_IN:
        return FindingKind.MASTERED_ELSEWHERE
    if row.result in {RevocationResult.FAILED, RevocationResult.UNKNOWN}:
        return FindingKind.FAILED
    if _is_progress(context, case, row):
        return None
    return FindingKind.NOT_CONFIRMED if row.state is EntitlementState.COMMANDED else FindingKind.STILL_OPEN


def _is_progress(context: Context, case: Case, row: CaseEntitlement) -> bool:
    """Whether waiting may still settle the row: its time, from the command or else from the containment, is not over."""
    begun_at = row.commanded_at if row.result in ACCEPTED else None
    since = begun_at or case.contained_at
    if since is None:
        return row.attempts == 0
    connector = context.connectors.get(row.connection)
    own = connector.manifest.kinds[row.kind].settles_within if connector is not None else timedelta(0)
    waiting_helps = row.reason is OpenReason.STILL_OPEN or row.reason is OpenReason.INHERITED
    return waiting_helps and context.now() < since + max(
        timedelta(seconds=context.policy.observe.deadline_seconds), own
    )


def _told(row: CaseEntitlement, kind: FindingKind) -> Message:
    if kind is FindingKind.GUARDED and row.guard is not None:
        return message(f"finding_guarded_{row.guard}", guard=row.guard)
    if row.reason is OpenReason.FROZEN_BY_BLOCK:
        return message("finding_frozen_by_block")
    if kind is FindingKind.NOT_CONFIRMED:
        return quoted(row, message("finding_not_confirmed"))
    if kind is not FindingKind.STILL_OPEN:
        return quoted(row, message("finding_problem", kind=kind.replace("_", " ")))
    back = row.came_back_at
    return quoted(row, message("finding_came_back", at=back) if back is not None else message("finding_still_open"))


def _advance(context: Context, session: Session, table: TruthTable) -> None:
    """Move the case along `cutting → contained → deprovisioned` as far as its rows allow; never back."""
    case = table.case
    if case.state not in ADVANCING or not case.for_real or case.due_at > context.now():
        return
    if case.state is not CaseState.CONTAINED and _everybody_known(table) and _contained(table.rows):
        move(context, session, case, CaseState.CONTAINED)
    whole = all(account.listed_at is not None for account in table.accepted.values())
    if (
        case.state is CaseState.CONTAINED
        and whole
        and all(row.state is not EntitlementState.FOUND for row in table.rows)
    ):
        move(context, session, case, CaseState.DEPROVISIONED)


def _everybody_known(table: TruthTable) -> bool:
    """
    Whether every service of the case was searched, whichever are open here and now, no account is doubtful, and of each that is
    the leaver's the sign-in was read.
    """
    asked = any(account.standing is Standing.ASKED for account in table.accounts)
    seen = {(row.connection, row.account_id) for row in table.rows if row.kind is EntitlementKind.SIGN_IN}
    return (
        table.case.connections is not None
        and table.searched >= table.connections
        and not asked
        and seen >= set(table.accepted)
    )


def _contained(rows: Sequence[CaseEntitlement]) -> bool:
    """Whether sign-in is settled, and the end of sessions at least commanded, in every account."""
    ended = SETTLED | {EntitlementState.COMMANDED}
    return all(
        row.state in (ended if row.kind is EntitlementKind.SESSION else SETTLED)
        for row in rows
        if row.kind in {EntitlementKind.SIGN_IN, EntitlementKind.SESSION}
    )
