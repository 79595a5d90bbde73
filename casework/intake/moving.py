"""The instant of a case: compute it, move it to another day or to now, and withdraw the case because the person stays."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from audit.events import EventType
from audit.leaf import stamp
from casework.context import Context, case_in
from casework.errors import BadRequest
from casework.intake.dates import end_of_day
from casework.intake.notice import Notice
from casework.intake.person import cases_of, committed
from casework.lifecycle import BEFORE_THE_CUT, MOVABLE, begun, move, wake, was_asked
from casework.policy import Policy
from casework.questions import move_deadlines
from casework.recording import seal
from models.actor import Actor, actor_of
from models.tables import Case
from models.vocabulary import CaseState, DepartureKind


def due_of(policy: Policy, said: Case | Notice) -> datetime:
    """
    Return the instant of a scheduled cut, by policy and the current dates of a notice or its case.

    The end of a day is 00:00 of the next one in the person's zone: the last day itself is still worked.
    """
    if policy.cut.at == "last_working" and said.last_working_at is not None:
        return said.last_working_at
    return end_of_day(said.employment_ends_on, ZoneInfo(said.timezone))


def wait_again(context: Context, session: Session, case: Case) -> None:
    """Move the questions' deadlines with the instant, and set a case that is cutting back to waiting if its instant is ahead."""
    move_deadlines(context, session, case)
    if case.state is CaseState.CUTTING and case.due_at > context.now():
        move(context, session, case, CaseState.WAITING)


def cut_at(case: Case) -> datetime:
    """Return the instant of the cut; for a notice with a past date, the time when the notice came."""
    return max(case.due_at, case.opened_at)


def notice_late_minutes(case: Case) -> int:
    """Return how many whole minutes after the due instant HR's notice came; 0 if it came before."""
    return max(0, int((case.opened_at - case.due_at).total_seconds() // 60))


def reschedule(
    context: Context,
    case_id: str,
    *,
    ends_on: date,
    last_working_at: datetime | None,
    by: Actor | str,
    now: bool = False,
) -> Case:
    """
    Move a case to another last day, or with *now* to this instant: then it is an emergency.  Its due runs re-read the instant.

    Another last day of employment without *last_working_at* clears the last day worked, which belonged to the old one.
    Raises `BadRequest` once a sign-in was asked to be blocked (a cut is restored, not rescheduled), for an emergency, and if
    the person has another case for that day.
    """
    with context.store.write() as session:
        case = _movable(session, case_id, now=now)
        _require_free_date(session, case, ends_on)
        if last_working_at is not None or ends_on != case.employment_ends_on:
            case.last_working_at = last_working_at
        case.employment_ends_on = ends_on
        if now:
            make_at_once(context, session, case, by)
        else:
            case.due_at = due_of(context.policy, case)
        case.revision += 1
        wake(session, case)
        commitment = committed(case)
        seal(
            context, session, EventType.CASE_RESCHEDULED, case.id, due_at=stamp(case.due_at), revision=case.revision,
            person_commitment=commitment.sha256,
            payload={"by": actor_of(by).payload, **commitment.salts, "employment_ends_on": str(ends_on)},
        )  # fmt: skip
        wait_again(context, session, case)
        return case


def make_at_once(context: Context, session: Session, case: Case, by: Actor | str) -> None:
    """Make the case an emergency: due now, if it was not due before.  Safe to repeat; only a withdrawal undoes it."""
    if case.at_once_at is not None:
        return
    case.at_once_at, case.at_once_by = context.now(), str(by)
    case.due_at = min(case.due_at, case.at_once_at)
    move_deadlines(context, session, case)
    wake(session, case)
    seal(
        context, session, EventType.CASE_AT_ONCE, case.id, due_at=stamp(case.due_at), payload={"by": actor_of(by).payload},
        dedup_key=f"{case.id}:at_once",
    )  # fmt: skip


def _movable(session: Session, case_id: str, *, now: bool) -> Case:
    case = case_in(session, case_id)
    restore = f"Run `lastday restore {case_id}`."
    if case.state not in MOVABLE:
        raise BadRequest(f"{case_id}: cannot reschedule a case that is {case.state}", restore)
    if begun(session, case_id):
        raise BadRequest(f"{case_id}: cannot reschedule: a sign-in was asked to be blocked already", restore)
    if case.at_once_at is not None and not now:
        raise BadRequest(
            f"{case_id}: cannot reschedule an emergency", f"If the person stays, run `lastday withdraw {case_id}`."
        )
    return case


def _require_free_date(session: Session, case: Case, ends_on: date) -> None:
    leave = case.kind is DepartureKind.LEAVE
    for other in cases_of(session, case.company, case.employee_no):
        same = other.employment_ends_on == ends_on and (other.kind is DepartureKind.LEAVE) == leave
        if same and other.id != case.id:
            raise BadRequest(
                f"{case.id}: cannot reschedule: {other.id} is this person's case for that day",
                "Withdraw one of the two.",
            )


def withdraw(context: Context, case_id: str, *, by: Actor | str, reason: str) -> Case:
    """
    End a case because the person stays, or was the wrong one.

    Raises `BadRequest` if anything was revoked already: then a restore is needed, which a second person approves.
    """
    with context.store.write() as session:
        case = case_in(session, case_id)
        restore = f"Run `lastday restore {case_id}`."
        if case.state not in BEFORE_THE_CUT:
            raise BadRequest(f"{case_id}: cannot withdraw a case that is {case.state}", restore)
        if was_asked(session, case_id):
            raise BadRequest(f"{case_id}: cannot withdraw: access was taken away already", restore)
        wake(session, case)
        move(context, session, case, CaseState.WITHDRAWN, payload={"by": actor_of(by).payload, "reason": reason})
        return case
