"""The instants of a case: when it is due, when it can have been cut at the earliest, how late HR's notice came."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from casework.context import Context
from casework.intake.dates import end_of_day
from casework.intake.notice import Notice
from casework.lifecycle import move
from casework.policy import Policy
from casework.questions import move_deadlines
from models.tables import Case
from models.vocabulary import CaseState


def due_of(policy: Policy, said: Case | Notice) -> datetime:
    """
    Return the instant of a scheduled cut, as policy says, for what a notice or its case says now.

    The end of a day is 00:00 of the next one in the person's zone: the last day itself is still worked.
    """
    if policy.cut.at == "last_working" and said.last_working_at is not None:
        return said.last_working_at
    return end_of_day(said.employment_ends_on, ZoneInfo(said.timezone))


def wait_again(context: Context, session: Session, case: Case) -> None:
    """Have a case wait whose instant has moved away after its first steps, and before its block; its questions move along."""
    move_deadlines(context, session, case)
    if case.state is CaseState.CUTTING and case.due_at > context.now():
        move(context, session, case, CaseState.WAITING)


def cut_at(case: Case) -> datetime:
    """Return the instant of the cut: a notice for a past date cuts when it comes, not in the past."""
    return max(case.due_at, case.opened_at)


def notice_late_minutes(case: Case) -> int:
    """Return by how many whole minutes HR's notice came after the due instant; 0 if it did not."""
    return max(0, int((case.opened_at - case.due_at).total_seconds() // 60))
