"""What a run asks a person, and how the answer is taken."""

from __future__ import annotations

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.access.findings import assess
from casework.desk import Desk
from casework.errors import BadRequest
from casework.recording import seal
from casework.wake import free
from models.tables import Case, CaseAccount, Question
from models.vocabulary import QuestionKind, Service, Standing


def ask_whose(desk: Desk, session: Session, case_id: str, service: Service) -> None:
    """
    Ask which of the doubtful accounts are the leaver's, with all candidates shown, the sure and the excluded ones too.

    One question a service: a later candidate joins the open one, or opens the next.
    """
    every = session.exec(
        select(CaseAccount).where(CaseAccount.case_id == case_id, CaseAccount.service == service)
    ).all()
    doubtful = {row.vendor_id for row in every if row.standing is Standing.ASKED}
    question = session.exec(
        select(Question).where(
            Question.case_id == case_id, Question.service == service, col(Question.answered_at).is_(None)
        )
    ).first()
    if not doubtful:
        if question is not None:  # a later look made it plain
            settle_question(desk, session, question, [], desk.actor, "no account is doubtful any more")
        return
    fresh = question is None
    if question is None:
        question = Question(
            id=desk.name("q"),
            case_id=case_id,
            kind=QuestionKind.WHOSE_ACCOUNT,
            service=service,
            text="Which of these accounts are the leaver's?",
            asked_at=desk.now(),
        )
    question.options = [_option(row) for row in every]
    session.add(question)
    if fresh:
        seal(
            desk, session, EventType.FINDING_QUESTION, case_id,
            question=question.id, kind=question.kind, service=service, count=len(doubtful),
            payload={"options": question.options},
        )  # fmt: skip


def _option(row: CaseAccount) -> dict[str, object]:
    return {
        "account": row.vendor_id,
        "label": row.label,
        "kind": str(row.kind),
        "reason": str(row.reason),
        "confidence": row.confidence,
        "text": row.text,
        "standing": str(row.standing),
        "active": row.active,
    }


def answer(desk: Desk, question_id: str, *, chosen: list[str], by: str, reason: str = "") -> Case:
    """
    Record a person's answer: the *chosen* accounts are the leaver's, the other doubtful ones are not.

    Raises `BadRequest` for an unknown or answered question, or for an account that was not asked about.
    """
    with desk.store.write() as session:
        question = session.get(Question, question_id)
        if question is None:
            raise BadRequest(f"{question_id}: no such question", "See the open ones with `lastday show CASE`.")
        if question.answered_at is not None:
            raise BadRequest(f"{question_id}: was answered already", "See the answer with `lastday show CASE`.")
        if question.kind is not QuestionKind.WHOSE_ACCOUNT:
            raise BadRequest(f"{question_id}: needs a second person", f"Run `lastday approve {question_id}`.")
        _decide(desk, session, question, chosen, by)
        settle_question(desk, session, question, chosen, by, reason)
        return session.get_one(Case, question.case_id)


def _decide(desk: Desk, session: Session, question: Question, chosen: list[str], by: str) -> None:
    rows = session.exec(
        select(CaseAccount).where(CaseAccount.case_id == question.case_id, CaseAccount.service == question.service)
    ).all()
    doubtful = {row.vendor_id: row for row in rows if row.standing is Standing.ASKED}
    unknown = [account for account in chosen if account not in doubtful]
    if unknown:
        raise BadRequest(
            f"{question.id}: {', '.join(unknown)} was not asked about", f"Choose from: {', '.join(sorted(doubtful))}."
        )
    for vendor_id, row in doubtful.items():
        row.standing = Standing.ACCEPTED if vendor_id in chosen else Standing.REJECTED
        row.decided_by, row.decided_at = by, desk.now()
        session.add(row)


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
