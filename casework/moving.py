"""A case that has not been cut yet is moved to another day, or ended because the person stays."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from audit.events import EventType
from audit.leaf import stamp
from casework.cases import BEFORE_CONTAINED, live_case
from casework.desk import Desk
from casework.errors import BadRequest
from casework.intake.zones import end_of_day
from casework.recording import seal
from casework.wake import free
from models.tables import Case, CaseEntitlement
from models.vocabulary import CaseState, DepartureKind


def reschedule(
    desk: Desk, case_id: str, *, ends_on: date, last_working_at: datetime | None, by: str, now: bool = False
) -> Case:
    """
    Move a case to another last day, or with *now* to this instant.  Its due runs are void: they re-read the instant.

    Another last day of employment without *last_working_at* forgets the last day worked: it belonged to the old one.
    Raises `BadRequest` once anything was taken away (what was cut is restored, not rescheduled), and where the person
    has a case for that day.
    """
    with desk.store.write() as session:
        case = _untouched(session, case_id, "reschedule")
        _require_free_date(session, case, ends_on)
        if last_working_at is not None or ends_on != case.employment_ends_on:
            case.last_working_at = last_working_at
        case.employment_ends_on = ends_on
        case.due_at = desk.now() if now else _due(desk, case)
        case.revision += 1
        free(session, case)
        seal(
            desk, session, EventType.CASE_RESCHEDULED, case.id, due_at=stamp(case.due_at), revision=case.revision,
            payload={"by": by, "employment_ends_on": str(ends_on)},
        )  # fmt: skip
        return case


def _due(desk: Desk, case: Case) -> datetime:
    if desk.policy.cut.at == "last_working" and case.last_working_at is not None:
        return case.last_working_at
    return end_of_day(case.employment_ends_on, ZoneInfo(case.timezone))


def _require_free_date(session: Session, case: Case, ends_on: date) -> None:
    other = live_case(session, case.employee_no, ends_on, leave=case.kind is DepartureKind.LEAVE)
    if other is not None and other.id != case.id and other.employment_ends_on == ends_on:
        raise BadRequest(
            f"{case.id}: cannot reschedule: {other.id} is this person's case for that day", "Withdraw one of the two."
        )


def withdraw(desk: Desk, case_id: str, *, by: str, reason: str) -> Case:
    """
    End a case because the person stays, or was the wrong one.

    Raises `BadRequest` when anything was taken away already: then a restore is due, which a second person approves.
    """
    with desk.store.write() as session:
        case = _untouched(session, case_id, "withdraw")
        case.state = CaseState.WITHDRAWN
        free(session, case)
        seal(desk, session, EventType.CASE_WITHDRAWN, case.id, payload={"by": by, "reason": reason})
        return case


def _untouched(session: Session, case_id: str, verb: str) -> Case:
    case = session.get(Case, case_id)
    if case is None:
        raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
    if case.state not in BEFORE_CONTAINED:
        raise BadRequest(f"{case_id}: cannot {verb} a case that is {case.state}", f"Run `lastday restore {case_id}`.")
    taken = select(CaseEntitlement).where(CaseEntitlement.case_id == case_id, CaseEntitlement.attempts > 0)
    if session.exec(taken).first() is not None:
        raise BadRequest(
            f"{case_id}: cannot {verb}: access was taken away already", f"Run `lastday restore {case_id}`."
        )
    return case
