"""What intake keeps of every notice that it accepted, and of a number that two people were reported under."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from audit.events import EventType
from casework.actor import Actor
from casework.commitment import commit
from casework.context import Context
from casework.intake.corrections import judge_anew
from casework.intake.notice import Notice
from casework.intake.person import as_json
from casework.recording import seal
from models.tables import Case, NoticeRecord


def record_notice(  # noqa: PLR0913  # a notice, where it came from and what became of it
    context: Context,
    session: Session,
    notice: Notice,
    case: Case,
    by: Actor,
    source_sha256: str,
    *,
    company: str,
    disposition: str,
    corrected: tuple[str, ...],
) -> None:
    """Keep a notice and seal it with a commitment to the person and the day that it names."""
    content: dict[str, Any] = {"leaver": as_json(notice.leaver), "extra": dict(notice.extra)}
    session.add(
        NoticeRecord(
            case_id=case.id,
            received_at=context.now(),
            reported_by=by.subject,
            source_sha256=source_sha256,
            row=notice.row,
            kind=notice.kind,
            disposition=disposition,
            content=content,
        )
    )
    commitment = commit(
        company=company,
        employee_no=notice.leaver.employee_no,
        name=notice.leaver.name,
        day=notice.employment_ends_on,
    )
    seal(
        context, session, EventType.CASE_NOTICED, case.id, kind=notice.kind, choice=disposition,
        person_commitment=commitment.sha256, corrected=list(corrected) or None,
        payload={"by": by.payload, "salt": commitment.salt, "row": notice.row, "source_sha256": source_sha256},
    )  # fmt: skip


def note_number_disputed(  # a case, and the row of whose file puts its number in dispute
    context: Context, session: Session, case: Case, by: Actor, source_sha256: str, row: int
) -> None:
    """The case's number proves nothing any more; what rests on address and name goes on.  Twice is once."""
    if case.number_disputed:
        return
    case.number_disputed = True
    session.add(case)
    seal(
        context, session, EventType.CASE_NUMBER_DISPUTED, case.id,
        payload={"by": by.payload, "source_sha256": source_sha256, "row": row}, dedup_key=f"{case.id}:number_disputed",
    )  # fmt: skip
    judge_anew(context, session, case, {"employee_no"})
