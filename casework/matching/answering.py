"""A person's word about the doubtful accounts: taken once, and taken back if it was wrong."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from audit.events import EventType
from casework.context import Context
from casework.errors import BadRequest
from casework.lifecycle import move, wake
from casework.matching.judging import judge
from casework.questions import settle_question
from casework.recording import seal
from casework.truth.findings import assess
from casework.truth.rows import accounts_of
from models.tables import Case, CaseAccount, Question
from models.vocabulary import CaseState, QuestionKind, Standing


def answer(context: Context, question_id: str, *, chosen: list[str], by: str, reason: str = "") -> Case:
    """
    Record a person's answer: the *chosen* accounts are the leaver's, the other doubtful ones are not.

    An account is named as `SERVICE:ID`, or by its id where that is unambiguous.  Raises `BadRequest` for an unknown or
    answered question, or for an account that was not asked about.
    """
    with context.store.write() as session:
        question = _question(session, question_id)
        if question.answered_at is not None:
            raise BadRequest(f"{question_id}: was answered already", "See the answer with `lastday show CASE`.")
        asked = _asked(session, question)
        theirs = [_named(question, asked, name) for name in chosen]
        for row in asked:
            row.standing = Standing.ACCEPTED if row in theirs else Standing.REJECTED
            row.decided_by, row.decided_at = by, context.now()
            session.add(row)
        settle_question(context, session, question, [_name(row) for row in theirs], by, reason)
        judge(context, session, question.case_id)
        assess(context, session, question.case_id)
        return session.get_one(Case, question.case_id)


def take_back(context: Context, question_id: str, *, by: str, reason: str) -> Case:
    """
    Take an answer back and ask again.

    What it accepted is doubtful again, and not written to until somebody has answered; what was taken already is not given
    back by this.  Raises `BadRequest` for a question that nobody has answered.
    """
    with context.store.write() as session:
        question = _question(session, question_id)
        rows = [row for row in accounts_of(session, question.case_id) if _was_asked(question, row)]
        decided = [row for row in rows if row.decided_by is not None and row.decided_by == question.answered_by]
        if question.answered_at is None or not decided:
            raise BadRequest(f"{question_id}: holds no answer to take back", "See it with `lastday show CASE`.")
        case = session.get_one(Case, question.case_id)
        for row in decided:
            row.decided_by, row.decided_at, row.standing = None, None, Standing.ASKED
            row.judged = row.judged | {"lost": True}
            session.add(row)
        question.answered_at = question.answered_by = question.answer = question.reason = None
        session.add(question)
        wake(session, case)
        seal(
            context, session, EventType.ANSWER_RECORDED, case.id, question=question.id, kind=question.kind, count=len(decided),
            choice="taken_back", payload={"by": by, "reason": reason},
        )  # fmt: skip
        if case.state is CaseState.CLOSED:
            move(context, session, case, CaseState.DEPROVISIONED, reason="taken_back")
        judge(context, session, case.id)
        assess(context, session, case.id)
        return session.get_one(Case, case.id)


def _question(session: Session, question_id: str) -> Question:
    question = session.get(Question, question_id)
    if question is None:
        raise BadRequest(f"{question_id}: no such question", "See the open ones with `lastday show CASE`.")
    if question.kind is not QuestionKind.WHOSE_ACCOUNT:
        raise BadRequest(f"{question_id}: needs a second person", f"Run `lastday approve {question_id}`.")
    if session.get_one(Case, question.case_id).erased_at is not None:
        raise BadRequest(f"{question_id}: its case was erased", "Nothing is left to answer.")
    return question


def _asked(session: Session, question: Question) -> list[CaseAccount]:
    """Return the doubtful accounts that the question shows; what came up since is asked about in the next."""
    rows = accounts_of(session, question.case_id)
    return [row for row in rows if row.standing is Standing.ASKED and _was_asked(question, row)]


def _was_asked(question: Question, row: CaseAccount) -> bool:
    """Whether the question shows the account as a doubtful one.  One of the first core's names no service in its options."""
    return any(
        option["account"] == row.vendor_id
        and option.get("service", question.service) == row.service
        and option["standing"] == Standing.ASKED
        for option in question.options
    )


def _named(question: Question, asked: Sequence[CaseAccount], name: str) -> CaseAccount:
    found = [row for row in asked if name in {row.vendor_id, _name(row)}]
    if len(found) != 1:
        why = "was not asked about" if not found else "stands in several services"
        choice = ", ".join(sorted(map(_name, asked)))
        raise BadRequest(f"{question.id}: {name} {why}", f"Choose from: {choice}.")
    return found[0]


def _name(row: CaseAccount) -> str:
    return f"{row.service}:{row.vendor_id}"
