"""
What casework writes into the trail.

Leaf fields are public to every auditor for ever: kinds, states, counts, digests and random references.  Everything that
could name a person, the vendors' ids of accounts included, goes into the payload, which can be erased.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audit.leaf import Event, code_or_other, stamp

if TYPE_CHECKING:
    from sqlmodel import Session

    from casework.desk import Desk
    from models.tables import CaseEntitlement
    from models.vocabulary import Evidence, RevocationResult


def seal(  # noqa: PLR0913  # an event's five parts, and the transaction it belongs to
    desk: Desk,
    session: Session,
    event_type: str,
    case_id: str,
    *,
    payload: Mapping[str, Any] | None = None,
    dedup_key: str | None = None,
    actor: str | None = None,
    **fields: Any,
) -> None:
    """
    Append one event in *session*'s transaction.

    The same *dedup_key* again is the same event: a retry writes nothing.  Fields outside the trail's white list raise
    `ValueError` before anything is written.
    """
    session.flush()
    event = Event(type=event_type, case=case_id, actor=actor or desk.actor, fields=fields)
    desk.store.trail.append(session.connection(), event, dict(payload) if payload else None, dedup_key=dedup_key)


def seal_intent(desk: Desk, session: Session, row: CaseEntitlement, ref: str, *, verb: str = "revoke") -> None:
    """Seal that we are about to ask the vendor: committed before the request leaves, or no request leaves."""
    seal(
        desk, session, "revoke.intent", row.case_id,
        op=row.op, service=row.service, account=ref, kind=row.kind, verb=verb,
        payload={"entitlement": row.id}, dedup_key=f"{row.op}:intent",
    )  # fmt: skip


def seal_outcome(  # noqa: PLR0913  # a row, what was exchanged about it and what came of it
    desk: Desk,
    session: Session,
    row: CaseEntitlement,
    ref: str,
    evidence: Sequence[Evidence],
    *,
    result: RevocationResult,
    text: str,
    verb: str = "revoke",
) -> None:
    """Seal what became of the intent with the row's *op*."""
    seal(
        desk, session, "revoke.outcome", row.case_id,
        op=row.op, service=row.service, account=ref, kind=row.kind, verb=verb, result=result,
        evidence=digests(evidence) or None,
        payload={"entitlement": row.id, "text": text, "exchanges": exchanges(evidence)},
        dedup_key=f"{row.op}:outcome",
    )  # fmt: skip


def seal_seen(desk: Desk, session: Session, row: CaseEntitlement, ref: str, evidence: Sequence[Evidence]) -> None:
    """Seal what a read saw of one row: its new state."""
    seal(
        desk, session, "observe.seen", row.case_id,
        service=row.service, account=ref, kind=row.kind, state=row.state, reason=row.reason,
        confirmation=row.confirmation, evidence=digests(evidence) or None,
        observed_at=stamp(row.observed_at) if row.observed_at else None,
        cut_effective_by=stamp(row.cut_effective_by) if row.cut_effective_by else None,
        payload={"entitlement": row.id, "exchanges": exchanges(evidence)},
    )  # fmt: skip


def digests(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Return what a leaf may say of exchanges: digests of bytes, the vendor's status and code."""
    return [
        {
            name: value
            for name, value in (
                ("request_sha256", e.request_sha256),
                ("response_sha256", e.response_sha256),
                ("status", e.status or 0),
                ("code", code_or_other(e.code) if e.code else None),
            )
            if value is not None
        }
        for e in evidence
    ]


def exchanges(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Return the exchanges for the payload, in full."""
    return [
        {
            "what": e.what,
            "sent_at": e.sent_at.isoformat(),
            "received_at": e.received_at.isoformat(),
            "status": e.status,
            "code": e.code,
            "request_sha256": e.request_sha256,
            "response_sha256": e.response_sha256,
            "vendor_at": e.vendor_at.isoformat() if e.vendor_at else None,
        }
        for e in evidence
    ]
