"""What intake keeps of every notice that it accepted, and of a number that two people were reported under."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from audit.events import EventType
from casework.actor import Actor
from casework.commitment import commit
from casework.context import Context
from casework.intake.corrections import judge_anew
from casework.intake.notice import Notice
from casework.intake.person import as_json
from casework.messages import Message
from casework.recording import seal
from models.tables import Case, NoticeRecord
from models.tables.case import DEFAULT_COMPANY


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent which bytes for which company, whether vendors may be changed on their account, and whether at once."""

    by: Actor
    sha256: str
    for_real: bool
    leave: bool = False
    at_once: bool = False
    company: str = DEFAULT_COMPANY


@dataclass(frozen=True, slots=True)
class Opened:
    """
    One accepted row: its case, and what became of it: created, same, or continued (recorded, nothing is cut).

    *corrected* names the particulars that the case took over from it; *remark* is what its sender is told besides.
    """

    case: Case
    disposition: str
    corrected: tuple[str, ...] = ()
    remark: Message | None = None


def record(context: Context, session: Session, notice: Notice, taken: Opened, sender: Sender) -> Opened:
    """Keep the notice, and seal it with a commitment to the person and the day that it names."""
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
    leaver, day = notice.leaver, notice.employment_ends_on
    commitment = commit(company=sender.company, employee_no=leaver.employee_no, name=leaver.name, day=day)
    seal(
        context, session, EventType.CASE_NOTICED, taken.case.id, kind=notice.kind, choice=taken.disposition,
        person_commitment=commitment.sha256, corrected=list(taken.corrected) or None,
        payload={
            "by": sender.by.payload, "salt": commitment.salt, "row": notice.row, "source_sha256": sender.sha256,
        },
    )  # fmt: skip
    return taken


def dispute_number(context: Context, session: Session, case: Case, sender: Sender, row: int) -> None:
    """
    The case's number proves nothing any more, by *row* of the sender's file; what rests on address and name goes on.  Twice is
    once.
    """
    if case.number_disputed:
        return
    case.number_disputed = True
    seal(
        context, session, EventType.CASE_NUMBER_DISPUTED, case.id, dedup_key=f"{case.id}:number_disputed",
        payload={"by": sender.by.payload, "source_sha256": sender.sha256, "row": row},
    )  # fmt: skip
    judge_anew(context, session, case, {"employee_no"})
