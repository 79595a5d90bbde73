"""How a finding is made: one reason why a case may not close, and what it is about."""

from __future__ import annotations

from casework.messages import Message, message
from models.tables import CaseEntitlement, Finding
from models.vocabulary import ConnectionId, EntitlementKind, FindingKind


def reason(  # noqa: PLR0913  # a finding's parts
    case_id: str,
    kind: FindingKind,
    about: str,
    told: Message,
    *,
    connection: ConnectionId | None = None,
    account_id: str | None = None,
    entitlement_id: str | None = None,
    entitlement_kind: EntitlementKind | None = None,
) -> Finding:
    """Return a finding; `casework.truth.findings.assess` says when it was opened.  *about*: what it is about, among its kind."""
    text, remedy = told.said, told.remedy
    return Finding(
        case_id=case_id, key=f"{kind}:{about}", kind=kind, text=text.en, text_ja=text.ja, remedy=remedy.en, remedy_ja=remedy.ja,
        connection=connection, account_id=account_id, entitlement_id=entitlement_id, entitlement_kind=entitlement_kind,
    )  # fmt: skip


def reason_of_row(row: CaseEntitlement, kind: FindingKind, told: Message) -> Finding:
    """Return a finding about one row."""
    return reason(
        row.case_id, kind, row.id, told,
        connection=row.connection, account_id=row.account_id, entitlement_id=row.id, entitlement_kind=row.kind,
    )  # fmt: skip


def quoted(row: CaseEntitlement, told: Message) -> Message:
    """Return what the row itself says of its problem and its remedy, a vendor's own words, and *told* where it says nothing."""
    return message("quoted", text=row.problem or told.said, remedy=row.remedy or told.remedy)
