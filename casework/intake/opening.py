"""Open a case for a departure or a leave; record an employment that goes on, without a cut.  Each accepted notice is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, select

from audit.events import EventType
from audit.leaf import stamp
from casework.context import Context
from casework.intake.corrections import judge_anew
from casework.intake.moving import due_of, make_at_once, notice_late_minutes
from casework.intake.notice import Notice, NoticeRefusal
from casework.intake.person import as_json, committed, committed_to, employee_key, same_person
from casework.lifecycle import enter, move, wake
from casework.messages import Message, message
from casework.recording import seal
from models.actor import Actor, actor_of
from models.tables import Case, NoticeRecord
from models.tables.case import DEFAULT_COMPANY
from models.vocabulary import CaseState, DepartureKind


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent which bytes for which company, and the decisions: *for_real* allows writes at vendors, *at_once* is an emergency."""

    by: Actor
    sha256: str
    for_real: bool
    leave: bool = False
    at_once: bool = False
    company: str = DEFAULT_COMPANY


@dataclass(frozen=True, slots=True)
class OpenedCase:
    """
    One accepted row: its case, and its *disposition*: created, same, or continued (recorded, nothing is cut).

    *corrected*: the fields that it changed in the case; *remark*: a further message to its sender.
    """

    case: Case
    disposition: str
    corrected: tuple[str, ...] = ()
    remark: Message | None = None


def record(context: Context, session: Session, notice: Notice, taken: OpenedCase, sender: Sender) -> OpenedCase:
    """Record the notice, and seal it with a commitment to its person and day."""
    session.add(
        NoticeRecord(
            case_id=taken.case.id,
            received_at=context.now(),
            reported_by=sender.by.subject,
            source_sha256=sender.sha256,
            row=notice.row,
            kind=notice.kind,
            disposition=taken.disposition,
            content={"leaver": as_json(notice.leaver), "extra": dict(notice.extra)},
        )
    )
    commitment = committed_to(sender.company, notice.leaver, notice.employment_ends_on)
    seal(
        context, session, EventType.CASE_NOTICED, taken.case.id, kind=notice.kind, choice=taken.disposition,
        person_commitment=commitment.sha256, corrected=list(taken.corrected) or None,
        payload={
            "by": sender.by.payload, "row": notice.row, "source_sha256": sender.sha256, **commitment.salts,
        },
    )  # fmt: skip
    return taken


def dispute_number(context: Context, session: Session, case: Case, sender: Sender, row: int) -> None:
    """
    Record that the case's number is disputed by *row* of the sender's file: it is no fact any more, address and name still are.
    Safe to repeat.
    """
    if case.number_disputed:
        return
    case.number_disputed = True
    seal(
        context, session, EventType.CASE_NUMBER_DISPUTED, case.id, dedup_key=f"{case.id}:number_disputed",
        payload={"by": sender.by.payload, "source_sha256": sender.sha256, "row": row},
    )  # fmt: skip
    judge_anew(context, session, case, ())


def refuse(notice: Notice, code: str, column: str, value: str, **facts: str) -> NoticeRefusal:
    return NoticeRefusal.of(code, row=notice.row, column=column, value=value, **facts)


def stays(
    context: Context, session: Session, notice: Notice, live: Case | None, sender: Sender
) -> OpenedCase | NoticeRefusal:
    """
    Record an employment that goes on: a case that is withdrawn at once, never cut, but kept, shown and erased like any other.
    If the person has an open departure, the notice is refused: only HR may end that.
    """
    if live is not None:
        return refuse(notice, "continued_but_open", "kind", notice.kind, case=live.id)
    known = select(Case).where(
        Case.company == sender.company, Case.employee_key == employee_key(notice.leaver.employee_no),
        Case.kind == DepartureKind.CONTINUED, Case.employment_ends_on == notice.employment_ends_on,
    )  # fmt: skip
    case = next((case for case in session.exec(known).all() if same_person(case, notice.leaver)), None)
    if case is None:
        case = _enter(context, session, notice, replace(sender, for_real=False))
        move(context, session, case, CaseState.WITHDRAWN, reason="continued", payload={"by": sender.by.payload})
    remark = message("continued", case=case.id)
    return record(context, session, notice, OpenedCase(case, "continued", remark=remark), sender)


def create(context: Context, session: Session, notice: Notice, others: Sequence[Case], sender: Sender) -> OpenedCase:
    """Open a case.  *others*: closed cases of another person with this number, which is disputed from now on."""
    case = _enter(context, session, notice, sender)
    if sender.at_once or case.kind is DepartureKind.DISMISSAL:
        make_at_once(context, session, case, sender.by)
    for doubtful in (*others, case) if others else ():
        dispute_number(context, session, doubtful, sender, notice.row)
    remark = message("number_used_before", case=others[0].id) if others else None
    return record(context, session, notice, OpenedCase(case, "created", remark=remark), sender)


def _enter(context: Context, session: Session, notice: Notice, sender: Sender) -> Case:
    now = context.now()
    case = Case(
        id=context.name("case"),
        company=sender.company,
        employee_no=notice.leaver.employee_no,
        employee_key=employee_key(notice.leaver.employee_no),
        employment_ends_on=notice.employment_ends_on,
        last_working_at=notice.last_working_at,
        timezone=notice.timezone,
        due_at=now if notice.kind is DepartureKind.DISMISSAL else due_of(context.policy, notice),
        kind=notice.kind,
        state=CaseState.OPEN,
        leaver=as_json(notice.leaver),
        manager=notice.manager,
        reported_by=sender.by.subject,
        opened_at=now,
        for_real=sender.for_real,
        for_real_by=sender.by.subject if sender.for_real else None,
        for_real_at=now if sender.for_real else None,
    )
    commitment = committed(case)
    enter(
        context, session, case,
        due_at=stamp(case.due_at), kind=case.kind, for_real=case.for_real,
        notice_late_minutes=notice_late_minutes(case), person_commitment=commitment.sha256,
        payload={
            "leaver": case.leaver, "manager": case.manager, "by": sender.by.payload, **commitment.salts,
            "company": case.company, "employment_ends_on": str(case.employment_ends_on),
            "last_working_at": stamp(case.last_working_at) if case.last_working_at else None,
        },
    )  # fmt: skip
    return case


def decide_for_real(context: Context, session: Session, case: Case, by: Actor | str) -> None:
    """Record the decision that this case may write at vendors.  Safe to repeat."""
    if case.for_real:
        return
    case.for_real, case.for_real_by, case.for_real_at = True, str(by), context.now()
    wake(session, case)
    seal(
        context, session, EventType.CASE_DECIDED, case.id, for_real=True,
        payload={"by": actor_of(by).payload}, dedup_key=f"{case.id}:for_real",
    )  # fmt: skip
