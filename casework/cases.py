"""A notice becomes a case, once."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from audit.events import EventType
from audit.leaf import stamp
from casework.desk import Desk
from casework.intake.notice import Notice, Reading, Refusal
from casework.intake.wording import Code, Flaw
from casework.policy import Policy
from casework.recording import seal
from casework.wake import free
from models.tables import Case, NoticeRecord
from models.vocabulary import CaseState, DepartureKind

BEFORE_CONTAINED = frozenset({CaseState.OPEN, CaseState.PLANNED, CaseState.WAITING})
ENDED = frozenset({CaseState.WITHDRAWN, CaseState.RESTORED})
OVER = ENDED | {CaseState.RESTORING}
"""The states in which a case stands in no new notice's way."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One accepted row: its case, and whether it was created, the same as before, or rescheduled."""

    case: Case
    disposition: str


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of a submission.  With *all_or_nothing* and a refusal, `opened` is empty and nothing was written."""

    opened: tuple[Opened, ...]
    refused: tuple[Refusal, ...]


def due_instant(notice: Notice, policy: Policy, received_at: datetime) -> datetime:
    """
    Return the instant of the cut: now for a dismissal, else what policy says.

    The end of a day is 00:00 of the next one in the person's zone: the last day itself is still worked.
    """
    if notice.kind is DepartureKind.DISMISSAL:
        return received_at
    if policy.cut.at == "last_working" and notice.last_working_at is not None:
        return notice.last_working_at
    return notice.due_at


@dataclass(frozen=True, slots=True)
class _Sender:
    """Who sent which bytes, and whether vendors may be changed on their account."""

    by: str
    sha256: str
    for_real: bool
    leave: bool


def open_cases(  # the submission, its sender, and three decisions about it
    desk: Desk,
    reading: Reading,
    *,
    reported_by: str,
    for_real: bool | None = None,
    all_or_nothing: bool = True,
    leave: bool = False,
) -> Intake:
    """
    Open a case for each departure of *reading*; with *leave*, for each leave of absence instead.

    In one transaction: with *all_or_nothing* any refusal leaves everything as it was; otherwise good rows are taken and bad
    ones reported.  The same notice again is the same case.
    """
    decided = desk.policy.cut.for_real if for_real is None else for_real
    sender = _Sender(reported_by, reading.sha256, decided, leave)
    opened: list[Opened] = []
    refused = list(reading.refused)
    with desk.store.write() as session:
        for notice in reading.notices:
            outcome = _take(desk, session, notice, sender)
            opened.append(outcome) if isinstance(outcome, Opened) else refused.append(outcome)
        if refused and all_or_nothing:
            session.rollback()
            opened = []
    return Intake(tuple(opened), tuple(sorted(refused, key=lambda r: r.row or 0)))


def _take(desk: Desk, session: Session, notice: Notice, sender: _Sender) -> Opened | Refusal:
    wrong = _wrong_kind(notice, sender)
    if wrong is not None:
        return _refuse(notice, wrong, "kind", notice.kind)
    live = live_case(session, notice.leaver.employee_no, notice.employment_ends_on, leave=sender.leave)
    if live is None:
        case = _open(desk, session, notice, sender)
        _note(desk, session, notice, case, sender, "created")
        return Opened(case, "created")
    if live.employment_ends_on != notice.employment_ends_on:
        return _refuse(notice, Code.OTHER_DATE, "employment_ends_on", str(notice.employment_ends_on), case=live.id)
    if live.kind is not notice.kind:
        return _refuse(notice, Code.OTHER_KIND, "kind", notice.kind, case=live.id)
    if not _says_the_same(live, notice):
        if live.state not in BEFORE_CONTAINED:
            return _refuse(notice, Code.OTHER_PARTICULARS, "name", notice.leaver.name, case=live.id)
        _correct(desk, session, live, notice, sender)
    if sender.for_real:
        decide_for_real(desk, session, live, sender.by)
    _note(desk, session, notice, live, sender, "same")
    return Opened(live, "same")


def _says_the_same(case: Case, notice: Notice) -> bool:
    said = (_person(notice), notice.last_working_at, notice.timezone, notice.manager)
    return said == (case.leaver, case.last_working_at, case.timezone, case.manager)


def _person(notice: Notice) -> dict[str, Any]:
    """The leaver as JSON has it: lists, no tuples."""
    return asdict(notice.leaver) | {"other_emails": list(notice.leaver.other_emails)}


def _correct(desk: Desk, session: Session, case: Case, notice: Notice, sender: _Sender) -> None:
    """Take over what a second notice of the same departure says otherwise, and have the case planned anew."""
    case.leaver, case.manager = _person(notice), notice.manager
    case.last_working_at, case.timezone = notice.last_working_at, notice.timezone
    case.due_at = due_instant(notice, desk.policy, case.opened_at)
    case.revision += 1
    if case.state is CaseState.WAITING:
        case.state = CaseState.PLANNED
    free(session, case)
    seal(
        desk, session, EventType.CASE_CORRECTED, case.id, due_at=stamp(case.due_at), revision=case.revision,
        payload={"by": sender.by, "leaver": case.leaver, "manager": case.manager},
    )  # fmt: skip


def _wrong_kind(notice: Notice, sender: _Sender) -> Code | None:
    if notice.kind is DepartureKind.WITHDRAWN:
        return Code.WITHDRAWN_IS_NO_DEPARTURE
    if (notice.kind is DepartureKind.LEAVE) == sender.leave:
        return None
    return Code.DEPARTURE_IS_NO_LEAVE if sender.leave else Code.LEAVE_IS_NO_DEPARTURE


def _refuse(notice: Notice, code: Code, column: str, value: str, **facts: str) -> Refusal:
    return Refusal.of(Flaw(code, row=notice.row, column=column, value=value, **facts))


def live_case(session: Session, employee_no: str, ends_on: date, *, leave: bool) -> Case | None:
    """
    Return the case that a notice speaks of: the one with its date, even closed, else the person's open one.

    A closed case with another date is history: the person was hired again, and leaves again.  A leave of absence and a
    departure of one person are two things.
    """
    cases = session.exec(
        select(Case).where(Case.employee_key == employee_key(employee_no), col(Case.state).not_in([*OVER]))
    ).all()
    alike = [case for case in cases if (case.kind is DepartureKind.LEAVE) == leave]
    same_date = [case for case in alike if case.employment_ends_on == ends_on]
    still_open = [case for case in alike if case.state is not CaseState.CLOSED]
    return next(iter(same_date + still_open), None)


def employee_key(employee_no: str) -> str:
    """Fold an employee number for comparing: width, case and surrounding space."""
    return unicodedata.normalize("NFKC", employee_no).strip().casefold()


def _open(desk: Desk, session: Session, notice: Notice, sender: _Sender) -> Case:
    due_at = due_instant(notice, desk.policy, desk.now())
    case = Case(
        id=desk.name("case"),
        employee_no=notice.leaver.employee_no,
        employee_key=employee_key(notice.leaver.employee_no),
        employment_ends_on=notice.employment_ends_on,
        last_working_at=notice.last_working_at,
        timezone=notice.timezone,
        due_at=due_at,
        kind=notice.kind,
        state=CaseState.OPEN,
        leaver=_person(notice),
        manager=notice.manager,
        reported_by=sender.by,
        opened_at=desk.now(),
        for_real=sender.for_real,
        for_real_by=sender.by if sender.for_real else None,
    )
    session.add(case)
    seal(
        desk, session, EventType.CASE_OPENED, case.id,
        due_at=stamp(due_at), kind=case.kind, for_real=case.for_real,
        exposure_minutes=exposure_minutes(case),
        payload={
            "leaver": case.leaver, "manager": case.manager, "reported_by": sender.by,
            "employment_ends_on": str(case.employment_ends_on),
            "last_working_at": stamp(case.last_working_at) if case.last_working_at else None,
        },
    )  # fmt: skip
    return case


def exposure_minutes(case: Case) -> int:
    """Return how long access had outlived its due instant when the case was opened, in whole minutes; 0 if it had not."""
    return max(0, int((case.opened_at - case.due_at).total_seconds() // 60))


def decide_for_real(desk: Desk, session: Session, case: Case, by: str) -> None:
    """Record the decision that vendors may be changed for this case.  Twice is once."""
    if case.for_real:
        return
    case.for_real, case.for_real_by = True, by
    free(session, case)
    seal(
        desk,
        session,
        EventType.CASE_DECIDED,
        case.id,
        for_real=True,
        payload={"by": by},
        dedup_key=f"{case.id}:for_real",
    )


def _note(  # a notice, where it came from and what became of it
    desk: Desk, session: Session, notice: Notice, case: Case, sender: _Sender, disposition: str
) -> None:
    content: dict[str, Any] = {"leaver": _person(notice), "extra": dict(notice.extra)}
    session.add(
        NoticeRecord(
            case_id=case.id,
            received_at=desk.now(),
            reported_by=sender.by,
            source_sha256=sender.sha256,
            row=notice.row,
            kind=notice.kind,
            disposition=disposition,
            content=content,
        )
    )


def list_cases(desk: Desk) -> Sequence[Case]:
    """Return every case, the nearest due instant first."""
    with desk.store.read() as session:
        return session.exec(select(Case).order_by(col(Case.due_at))).all()
