"""The one way in which a case asks a person, whatever it asks: open questions, and how one is settled."""

from __future__ import annotations

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.context import Context
from casework.lifecycle import wake
from casework.recording import seal
from models.tables import Case, Question


def settle_question(
    context: Context, session: Session, question: Question, chosen: list[str], by: str, reason: str
) -> None:
    """Close a question, seal the answer, and let the case go on: whoever calls this assesses it in the same transaction."""
    question.answered_at, question.answered_by = context.now(), by
    question.answer, question.reason = chosen, reason
    session.add(question)
    wake(session, session.get_one(Case, question.case_id))
    seal(
        context, session, EventType.ANSWER_RECORDED, question.case_id,
        question=question.id, kind=question.kind, count=len(chosen),
        payload={"by": by, "chosen": chosen, "reason": reason},
    )  # fmt: skip


def open_questions(session: Session, case_id: str) -> list[Question]:
    """Return the case's unanswered questions, the oldest first."""
    query = select(Question).where(Question.case_id == case_id, col(Question.answered_at).is_(None))
    return list(session.exec(query.order_by(col(Question.asked_at))).all())
