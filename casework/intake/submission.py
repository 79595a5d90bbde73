"""HR's submission: each notice opens a case, corrects one, repeats one, or is refused with a question to HR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from casework.context import Context
from casework.intake.corrections import correct
from casework.intake.moving import make_at_once
from casework.intake.notice import Notice, NoticeReading, NoticeRefusal
from casework.intake.opening import OpenedCase, Sender, create, decide_for_real, dispute_number, record, refuse, stays
from casework.intake.person import cases_of, same_person
from casework.messages import message
from models.actor import Actor, actor_of
from models.tables import Case
from models.tables.case import DEFAULT_COMPANY
from models.vocabulary import CaseState, DepartureKind


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """
    The result of a submission.  With *all_or_nothing* and a refusal, `opened` is empty and nothing was written, except that a
    case's number is disputed.
    """

    opened: tuple[OpenedCase, ...]
    refused: tuple[NoticeRefusal, ...]


def open_cases(  # noqa: PLR0913  # the submission, its sender, and the decisions about it
    context: Context,
    reading: NoticeReading,
    *,
    reported_by: Actor | str,
    for_real: bool | None = None,
    all_or_nothing: bool = True,
    leave: bool = False,
    at_once: bool = False,
    company: str = DEFAULT_COMPANY,
) -> SubmissionResult:
    """
    Open a case for each departure of *reading*; with *leave*, for each leave of absence instead; with *at_once*, as emergencies.

    In one transaction.  With *all_or_nothing* any refusal rolls everything back; else good rows are taken and bad ones
    reported.  The same notice again is the same case.
    """
    decided = context.policy.cut.for_real if for_real is None else for_real
    sender = Sender(actor_of(reported_by), reading.sha256, decided, leave, at_once, company)
    opened: list[OpenedCase] = []
    refused = list(reading.refused)
    with context.store.write() as session:
        for notice in reading.notices:
            match _take(context, session, notice, sender):
                case OpenedCase() as taken:
                    opened.append(taken)
                case NoticeRefusal() as refusal:
                    refused.append(refusal)
        if refused and all_or_nothing:
            session.rollback()
            opened = []
    # also if the file is refused: the number is disputed from now on, and the earlier case must not rely on it
    if disputed := [refusal for refusal in refused if refusal.code == "other_person"]:
        with context.store.write() as session:
            for refusal in disputed:
                case = session.get_one(Case, refusal.facts["case"])
                dispute_number(context, session, case, sender, refusal.row or 0)
    return SubmissionResult(tuple(opened), tuple(sorted(refused, key=lambda r: r.row or 0)))


def _take(context: Context, session: Session, notice: Notice, sender: Sender) -> OpenedCase | NoticeRefusal:
    if notice.kind is DepartureKind.WITHDRAWN:
        return refuse(notice, "withdrawn_is_no_departure", "kind", notice.kind)
    if (notice.kind is DepartureKind.LEAVE) != sender.leave:
        code = "departure_is_no_leave" if sender.leave else "leave_is_no_departure"
        return refuse(notice, code, "kind", notice.kind)
    every = cases_of(session, sender.company, notice.leaver.employee_no)
    theirs = [case for case in every if same_person(case, notice.leaver)]
    others = [case for case in every if case not in theirs]
    live = _live_case(theirs, notice, leave=sender.leave)
    day = notice.employment_ends_on  # a closed case of another person and another day is history
    in_the_way = [case for case in others if case.state is not CaseState.CLOSED or case.employment_ends_on == day]
    if live is None and in_the_way:
        return refuse(notice, "other_person", "employee_no", notice.leaver.employee_no, case=in_the_way[0].id)
    if notice.kind is DepartureKind.CONTINUED:
        return stays(context, session, notice, live, sender)
    if live is not None:
        return _again(context, session, notice, live, sender)
    return create(context, session, notice, others, sender)


def _live_case(cases: Sequence[Case], notice: Notice, *, leave: bool) -> Case | None:
    """
    Return the person's case that a notice is about: the one with its date, even closed, else the open one.

    A closed case with another date does not count: the person was hired again, and leaves again.  A leave of absence is never
    the case of a departure.
    """
    alike = [case for case in cases if (case.kind is DepartureKind.LEAVE) == leave]
    same_date = [case for case in alike if case.employment_ends_on == notice.employment_ends_on]
    still_open = [case for case in alike if case.state is not CaseState.CLOSED]
    return next(iter(same_date + still_open), None)


def _again(
    context: Context, session: Session, notice: Notice, live: Case, sender: Sender
) -> OpenedCase | NoticeRefusal:
    """Take a notice for an existing case: repeat or correct it, or refuse a contradiction, which HR is asked about."""
    if sender.at_once and live.state is not CaseState.CLOSED:
        make_at_once(context, session, live, sender.by)
    kept = live.at_once_at is not None
    same_date = live.employment_ends_on == notice.employment_ends_on
    if not same_date and not kept:
        return refuse(notice, "other_date", "employment_ends_on", str(notice.employment_ends_on), case=live.id)
    if live.kind is not notice.kind and not kept:
        return refuse(notice, "other_kind", "kind", notice.kind, case=live.id)
    agrees = same_date and live.kind is notice.kind
    changed = correct(context, session, live, notice, sender.by, dates=agrees)
    if sender.for_real:
        decide_for_real(context, session, live, sender.by)
    remark = None if agrees else message("kept_at_once", case=live.id)
    return record(context, session, notice, OpenedCase(live, "same", changed, remark), sender)
