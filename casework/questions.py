"""The one way in which a case asks a person, whatever it asks: open questions, and how one is settled."""

from __future__ import annotations

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.access.findings import assess
from casework.desk import Desk
from casework.recording import seal
from casework.wake import free
from models.tables import Case, Question


def settle_question(desk: Desk, session: Session, question: Question, chosen: list[str], by: str, reason: str) -> None:
    """Close a question, seal the answer, and let the case go on."""
    question.answered_at, question.answered_by = desk.now(), by
    question.answer, question.reason = chosen, reason
    session.add(question)
    free(session, session.get_one(Case, question.case_id))
    seal(
        desk, session, EventType.ANSWER_RECORDED, question.case_id,
        question=question.id, kind=question.kind, count=len(chosen),
        payload={"by": by, "chosen": chosen, "reason": reason},
    )  # fmt: skip
    assess(desk, session, question.case_id)


def open_questions(session: Session, case_id: str) -> list[Question]:
    """Return the case's unanswered questions, the oldest first."""
    query = select(Question).where(Question.case_id == case_id, col(Question.answered_at).is_(None))
    return list(session.exec(query.order_by(col(Question.asked_at))).all())
