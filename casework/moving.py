"""A case that has not been cut yet is moved to another day, or ended because the person stays."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from audit.leaf import stamp
from casework.desk import Desk
from casework.errors import BadRequest
from casework.intake.zones import end_of_day
from casework.recording import seal
from models.tables import Case, CaseEntitlement
from models.vocabulary import CaseState

_BEFORE_CONTAINED = frozenset({CaseState.OPEN, CaseState.PLANNED, CaseState.WAITING})


def reschedule(
    desk: Desk, case_id: str, *, ends_on: date, last_working_at: datetime | None, by: str, now: bool = False
) -> Case:
    """
    Move a case to another last day, or with *now* to this instant.  Its due runs are void: they re-read the instant.

    Raises `BadRequest` once access has been cut: what was cut is restored, not rescheduled.
    """
    with desk.store.write() as session:
        case = _editable(session, case_id, "reschedule")
        case.employment_ends_on = ends_on
        case.last_working_at = last_working_at if last_working_at is not None else case.last_working_at
        at_last_working = desk.policy.cut.at == "last_working" and case.last_working_at is not None
        case.due_at = end_of_day(ends_on, ZoneInfo(case.timezone))
        if at_last_working and case.last_working_at is not None:
            case.due_at = case.last_working_at
        if now:
            case.due_at = desk.now()
        case.revision += 1
        case.run_state, case.run_id, case.next_run_at = "none", None, None
        session.add(case)
        seal(
            desk, session, "case.rescheduled", case.id, due_at=stamp(case.due_at), revision=case.revision,
            payload={"by": by, "employment_ends_on": str(ends_on)},
        )  # fmt: skip
        return case


def withdraw(desk: Desk, case_id: str, *, by: str, reason: str) -> Case:
    """
    End a case because the person stays, or was the wrong one.

    Raises `BadRequest` when anything was taken away already: then a restore is due, which a second person approves.
    """
    with desk.store.write() as session:
        case = _editable(session, case_id, "withdraw")
        touched = session.exec(
            select(CaseEntitlement).where(CaseEntitlement.case_id == case_id, CaseEntitlement.attempts > 0)
        ).first()
        if touched is not None:
            raise BadRequest(
                f"{case_id}: cannot withdraw: access was already taken away", f"Run `lastday restore {case_id}`."
            )
        case.state, case.run_state = CaseState.WITHDRAWN, "none"
        session.add(case)
        seal(desk, session, "case.withdrawn", case.id, payload={"by": by, "reason": reason})
        return case


def _editable(session: Session, case_id: str, verb: str) -> Case:
    case = session.get(Case, case_id)
    if case is None:
        raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
    if case.state not in _BEFORE_CONTAINED:
        raise BadRequest(f"{case_id}: cannot {verb} a case that is {case.state}", f"Run `lastday restore {case_id}`.")
    return case
