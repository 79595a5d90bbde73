"""Findings that named persons accepted until a date, applied to the rows they are about."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlmodel import Session, col, or_, select

from casework.access.rows import rows_of
from casework.desk import Desk
from models.tables import Case, CaseEntitlement, Waiver
from models.vocabulary import EntitlementState

_STANDING_COVERS = frozenset({EntitlementState.NO_API, EntitlementState.NOT_ON_PLAN, EntitlementState.UNREADABLE})
_WAIVABLE = _STANDING_COVERS | {EntitlementState.FOUND, EntitlementState.STILL_OPEN, EntitlementState.COMMANDED}


def apply_waivers(desk: Desk, session: Session, case: Case) -> None:
    """
    Settle the rows that a valid waiver covers, and open again those whose waiver has ended.

    A standing waiver settles what this tenant can never do or see; it never covers a row that a read shows open.
    """
    today = desk.now().astimezone(ZoneInfo(case.timezone)).date()
    valid = [w for w in _waivers(session, case.id) if w.approved_at is not None and w.until >= today]
    by_id = {waiver.id: waiver for waiver in valid}
    for row in rows_of(session, case.id):
        if row.state is EntitlementState.WAIVED and row.settled_by not in by_id:
            row.state, row.settled_by = row.waived_from or EntitlementState.STILL_OPEN, None
            session.add(row)
        waiver = next((w for w in valid if _covers(w, row)), None)
        if waiver is not None and row.state in _WAIVABLE:
            row.waived_from, row.state, row.settled_by = row.state, EntitlementState.WAIVED, waiver.id
            session.add(row)


def _waivers(session: Session, case_id: str) -> list[Waiver]:
    query = select(Waiver).where(or_(col(Waiver.case_id).is_(None), Waiver.case_id == case_id))
    return list(session.exec(query).all())


def _covers(waiver: Waiver, row: CaseEntitlement) -> bool:
    if waiver.case_id is not None:
        return waiver.entitlement_id == row.id
    return (waiver.service, waiver.kind) == (row.service, row.kind) and row.state in _STANDING_COVERS
