"""The question whose accounts these are: one a case, with the candidates of all services."""

from __future__ import annotations

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.context import Context
from casework.questions import settle_question
from casework.recording import seal
from casework.truth.rows import accounts_of
from models.tables import CaseAccount, Question
from models.vocabulary import QuestionKind, Standing


def ask_whose(context: Context, session: Session, case_id: str) -> None:
    """
    Ask which of the doubtful accounts are the leaver's, with all candidates shown, the sure and the excluded ones too.

    A later candidate joins the open question, or opens the next.  A question without a doubtful account is settled.
    """
    rows = accounts_of(session, case_id)
    doubtful = [row for row in rows if row.standing is Standing.ASKED]
    opened = _open(session, case_id)
    first = opened[0] if opened else None
    if first is not None and not doubtful:
        settle_question(context, session, first, [], context.actor, "no account is doubtful any more")
    for question in opened[1:]:  # the first core asked one a service
        settle_question(context, session, question, [], context.actor, "asked together with the case's other accounts")
    if not doubtful:
        return
    question = first or Question(
        id=context.name("q"),
        case_id=case_id,
        kind=QuestionKind.WHOSE_ACCOUNT,
        text="Which of these accounts are the leaver's?",
        asked_at=context.now(),
    )
    question.service, question.options = None, [option(row) for row in rows]
    session.add(question)
    if first is None:
        seal(
            context, session, EventType.FINDING_QUESTION, case_id,
            question=question.id, kind=question.kind, count=len(doubtful), payload={"options": question.options},
        )  # fmt: skip


def _open(session: Session, case_id: str) -> list[Question]:
    query = select(Question).where(
        Question.case_id == case_id,
        Question.kind == QuestionKind.WHOSE_ACCOUNT,
        col(Question.answered_at).is_(None),
    )
    return list(session.exec(query.order_by(col(Question.asked_at), col(Question.id))).all())


def option(row: CaseAccount) -> dict[str, object]:
    """Return one candidate as a person is shown it."""
    return {
        "service": str(row.service),
        "account": row.vendor_id,
        "label": row.label,
        "kind": str(row.kind),
        "reason": str(row.reason),
        "facts": row.judged.get("facts", []),
        "contradictions": row.judged.get("contradictions", []),
        "text": row.text,
        "standing": str(row.standing),
        "active": row.active,
    }
