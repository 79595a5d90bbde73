"""The blast radius: more cuts in one window than policy allows stop, and ask for a second person."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.context import Context
from casework.errors import BadRequest, QuestionsOpen
from casework.lifecycle import TAKEN_BACK
from casework.recording import seal
from models.tables import Case, Question
from models.vocabulary import QuestionKind


def require_lease(context: Context, case: Case) -> None:
    """Raise `BadRequest` if this process's run has lost the case to another one."""
    runner = context.leases.get(case.id)
    if runner is not None and case.lease_holder != runner:
        raise BadRequest(f"{case.id}: another run holds the case now", "Nothing by hand: that run goes on.")


def ask_early(context: Context, case_id: str) -> str | None:
    """Ask whether this cut may go on, if it would be one too many; return the question's id while it is open."""
    with context.store.write() as session:
        case = session.get_one(Case, case_id)
        if _within(context, session, case):
            return None
        return (_question(session, case_id) or _ask(context, session, case)).id


def ask_release(context: Context, case_id: str) -> None:
    """The same, raising `QuestionsOpen` until somebody has released it."""
    if (asked := ask_early(context, case_id)) is not None:
        raise QuestionsOpen([asked])


def require_release(context: Context, session: Session, case: Case) -> None:
    """Raise `QuestionsOpen` if this cut would be one too many and nobody has released it."""
    if not _within(context, session, case):
        question = _question(session, case.id)
        raise QuestionsOpen([question.id] if question is not None else [])


def _within(context: Context, session: Session, case: Case) -> bool:
    """Whether the case may be cut: few enough in its window, begun already, or released."""
    if (
        case.contained_at is not None
        or not case.for_real
        or _cuts(context, session, case) <= context.policy.blast_radius.limit
    ):
        return True
    question = _question(session, case.id)
    return question is not None and question.answered_at is not None


def _cuts(context: Context, session: Session, case: Case) -> int:
    """Return how many cases are cut in the window that ends with this one, itself included."""
    until = max(_cut_at(case), context.now())  # what is decided late is cut now
    since = until - timedelta(hours=context.policy.blast_radius.window_hours)
    others = session.exec(select(Case).where(col(Case.for_real).is_(True), col(Case.state).not_in(TAKEN_BACK))).all()
    return sum(since < _cut_at(other) <= until for other in others)


def _cut_at(case: Case) -> datetime:
    """Return when the case is, or was, cut: a notice for a past date, or a decision after it, does not cut in the past."""
    return case.contained_at or max(case.due_at, case.opened_at, case.for_real_at or case.opened_at)


def _question(session: Session, case_id: str) -> Question | None:
    return session.exec(
        select(Question).where(Question.case_id == case_id, Question.kind == QuestionKind.RELEASE)
    ).first()


def _ask(context: Context, session: Session, case: Case) -> Question:
    question = Question(
        id=context.name("q"),
        case_id=case.id,
        kind=QuestionKind.RELEASE,
        text="More departures are cut in this window than policy allows. Release this one?",
        asked_at=context.now(),
    )
    session.add(question)
    seal(context, session, EventType.FINDING_QUESTION, case.id, question=question.id, kind=question.kind, count=1)
    return question
