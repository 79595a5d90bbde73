"""The reasons why a case may not close, each a finding: derived from rows, searches, restores and logs, never set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from casework.context import Context
from casework.lifecycle import TAKEN_BACK
from casework.messages import Message, message
from casework.truth import post_cut
from casework.truth.rows import TruthTable
from casework.truth.states import ACCEPTED, FOR_A_PERSON
from models.tables import Case, CaseAccount, CaseEntitlement, Finding, PostCutActivity
from models.vocabulary import (
    SETTLED,
    EntitlementKind,
    EntitlementState,
    FindingKind,
    OpenReason,
    RevocationResult,
    Standing,
)

NO_ACCOUNT = "no_account"
"""The key of an attestation that a person holds no account; it takes the place of an entitlement's id."""
_KNOWN_AT_ONCE = frozenset({
    OpenReason.UNREADABLE, OpenReason.NOT_ON_PLAN, OpenReason.NO_API, OpenReason.GUARDED, OpenReason.REFUSED,
})  # fmt: skip
"""Reasons that waiting cannot settle: they are findings as soon as they are known, even weeks before the cut."""


def reasons(context: Context, session: Session, table: TruthTable) -> Iterator[Finding]:
    """Yield the findings of the case, without *opened_at*, which `casework.truth.findings.assess` sets."""
    case = table.case
    yield from _of_restore(table)
    if case.state in TAKEN_BACK:  # nothing has to be closed any more
        return
    attested = {a.entitlement_id for a in table.attestations if a.ended_at is None and a.attested_at >= case.due_at}
    yield from _of_searches(table, nobody_attested=NO_ACCOUNT in attested)
    for account in table.accepted.values():
        if account.listed_at is None and case.contained_at is not None:
            yield _reason(
                case.id, FindingKind.UNREADABLE, f"{account.connection}:{account.vendor_id}", message("finding_unlisted"),
                connection=account.connection, account_id=account.vendor_id,
            )  # fmt: skip
    for row in table.rows:
        owner = table.accepted[row.connection, row.account_id]
        yield from _of_row(context, case, row, owner, attested=row.id in attested)
    for heard in post_cut.unanswered(session, case.id, table.attestations):
        key = post_cut.key_of(heard)
        yield _reason(
            case.id, heard.finding, key, _heard(heard),
            connection=heard.connection, account_id=heard.account_id, entitlement_id=key,
        )  # fmt: skip


def _reason(case_id: str, kind: FindingKind, about: str, told: Message, **place: Any) -> Finding:
    """Return a finding.  *about*: its key among findings of its kind; *place*: columns of `Finding`."""
    text, remedy = told.said, told.remedy
    return Finding(
        case_id=case_id, key=f"{kind}:{about}", kind=kind, text=text.en, text_ja=text.ja, remedy=remedy.en, remedy_ja=remedy.ja,
        **place,
    )  # fmt: skip


def _reason_of_row(row: CaseEntitlement, kind: FindingKind, told: Message) -> Finding:
    return _reason(
        row.case_id, kind, row.id, told,
        connection=row.connection, account_id=row.account_id, entitlement_id=row.id, entitlement_kind=row.kind,
    )  # fmt: skip


def _quoted(row: CaseEntitlement, told: Message) -> Message:
    """Return the row's own problem and remedy, in the vendor's words, or those of the given message where the row has none."""
    return message("quoted", text=row.problem or told.said, remedy=row.remedy or told.remedy)


def _of_restore(table: TruthTable) -> Iterator[Finding]:
    """Yield a finding for each row of a restore that needs a person, in accounts of any standing."""
    for row in (one for one in table.every if one.restored in FOR_A_PERSON):
        yield _reason_of_row(row, FindingKind.NOT_GIVEN_BACK, _quoted(row, message("finding_not_given_back")))


def _of_searches(table: TruthTable, *, nobody_attested: bool) -> Iterator[Finding]:
    for search in table.searches:
        if search.problem is not None:
            yield _reason(
                table.case.id, FindingKind.UNMATCHED, search.connection,
                message("quoted", text=search.problem, remedy=search.remedy or ""), connection=search.connection,
            )  # fmt: skip
    somebody = any(account.standing in {Standing.ACCEPTED, Standing.ASKED} for account in table.accounts)
    everywhere = table.searches and all(search.problem is None for search in table.searches)
    if everywhere and not somebody and not nobody_attested:
        yield _reason(table.case.id, FindingKind.NO_ACCOUNT, "-", message("finding_no_account", key=NO_ACCOUNT))


def _of_row(
    context: Context, case: Case, row: CaseEntitlement, account: CaseAccount, *, attested: bool
) -> Iterator[Finding]:
    waived = row.state is EntitlementState.WAIVED
    if row.kind is EntitlementKind.SIGN_IN and account.mastered_elsewhere and not (attested or waived):
        yield _reason_of_row(row, FindingKind.MASTERED_ELSEWHERE, message("finding_mastered_elsewhere"))
    if row.state in SETTLED:
        return
    kind = _kind_of(context, case, row)
    if kind is not None:
        yield _reason_of_row(row, kind, _told(row, kind))


def _kind_of(context: Context, case: Case, row: CaseEntitlement) -> FindingKind | None:
    """
    Return the kind of finding for an open row; None while it makes progress: a row that was found or commanded is no finding
    within policy's observation deadline or the kind's own time.
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
    """Whether waiting may still settle the row: its time since the command, or else since containment, is not over."""
    begun_at = row.commanded_at if row.result in ACCEPTED else None
    since = begun_at or case.contained_at
    if since is None:
        return row.attempts == 0
    waiting_helps = row.reason is OpenReason.STILL_OPEN or row.reason is OpenReason.INHERITED
    return waiting_helps and context.now() < since + timedelta(seconds=context.policy.observe.deadline_seconds)


def _told(row: CaseEntitlement, kind: FindingKind) -> Message:
    if kind is FindingKind.GUARDED and row.guard is not None:
        return message(f"finding_guarded_{row.guard}", guard=row.guard)
    if row.reason is OpenReason.FROZEN_BY_BLOCK:
        return message("finding_frozen_by_block")
    if kind is FindingKind.NOT_CONFIRMED:
        return _quoted(row, message("finding_not_confirmed"))
    if kind is not FindingKind.STILL_OPEN:
        return _quoted(row, message("finding_problem", kind=kind.replace("_", " ")))
    back = row.came_back_at
    return _quoted(row, message("finding_came_back", at=back) if back is not None else message("finding_still_open"))


def _heard(row: PostCutActivity) -> Message:
    first, last = (at.isoformat(timespec="seconds") for at in (row.first_at, row.last_at))
    by = row.cut_effective_by.isoformat(timespec="seconds") if row.cut_effective_by else "unknown"
    kind = row.kind.replace("_", " ")
    return message(f"finding_{row.finding}", count=row.count, kind=kind, by=by, first=first, last=last)
