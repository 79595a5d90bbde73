"""A person's answer on the doubtful accounts: record it, or take it back if it was wrong."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from casework import consents, questions
from casework.context import Context
from casework.errors import BadRequest
from casework.lifecycle import move
from casework.matching.judging import judge, seal_standing
from casework.question_kinds import KINDS
from casework.truth.findings import assess
from casework.truth.rows import accounts_of
from models.actor import Actor
from models.tables import Case, CaseAccount, Question
from models.vocabulary import CaseState, QuestionKind, Standing


def answer(  # an answer's parts
    context: Context,
    question_id: str,
    *,
    chosen: list[str],
    by: Actor | str,
    reason: str = "",
    revision: int | None = None,
) -> Case:
    """
    Record a person's answer: the *chosen* accounts are the leaver's, the other doubtful ones are not.

    An account is named as `CONNECTION:ID`, or by its id if that is unambiguous.  Raises `BadRequest` for an account that was
    not asked about, and as `questions.answer` does.
    """
    with context.store.write() as session:
        question = _question(session, question_id)
        questions.require_open(session, question, revision)
        asked = [row for row in _shown(session, question) if row.standing is Standing.ASKED]
        theirs = [_named(question, asked, name) for name in chosen]
        questions.answer(
            context, session, question, [_name(row) for row in theirs], by=by, reason=reason, revision=revision
        )
        consents.overtake_restores(context, session, question.case_id, [row.ref for row in theirs])
        for row in asked:
            row.standing = Standing.ACCEPTED if row in theirs else Standing.REJECTED
            row.decided_by, row.decided_at = str(by), context.now()
            session.add(row)
            seal_standing(context, session, row)
        judge(context, session, question.case_id)
        assess(context, session, question.case_id)
        return session.get_one(Case, question.case_id)


def take_back(context: Context, question_id: str, *, by: Actor | str, reason: str) -> Case:
    """
    Take an answer back and ask again.

    Accounts that it accepted are doubtful again: nothing is revoked there until a new answer, and nothing that was revoked is
    given back.  Raises `BadRequest` for a question without an answer.
    """
    with context.store.write() as session:
        question = _question(session, question_id)
        shown = [row for row in _shown(session, question) if row.decided_by is not None]
        decided = [row for row in shown if row.decided_by == str(question.answered_by)]
        if question.answered_at is None or not decided:
            raise BadRequest(f"{question_id}: holds no answer to take back", "See it with `lastday show CASE`.")
        case = session.get_one(Case, question.case_id)
        for row in decided:
            row.decided_by, row.decided_at, row.standing = None, None, Standing.ASKED
            row.judged = row.judged | {"lost": True}
            session.add(row)
            seal_standing(context, session, row)
        questions.take_back(context, session, question, by=by, reason=reason, count=len(decided))
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
        raise BadRequest(f"{question_id}: asks something else", f"Run `{KINDS[question.kind].verb}`.")
    return question


def _shown(session: Session, question: Question) -> list[CaseAccount]:
    """Return the accounts that the question shows as doubtful; accounts found since are asked about in the next question."""
    shown = questions.candidates(question)
    return [row for row in accounts_of(session, question.case_id) if _name(row) in shown]


def _named(question: Question, asked: Sequence[CaseAccount], name: str) -> CaseAccount:
    found = [row for row in asked if name in {row.vendor_id, _name(row)}]
    if len(found) != 1:
        why = "was not asked about" if not found else "is in several services"
        choice = ", ".join(sorted(map(_name, asked)))
        raise BadRequest(f"{question.id}: {name} {why}", f"Choose from: {choice}.")
    return found[0]


def _name(row: CaseAccount) -> str:
    return f"{row.connection}:{row.vendor_id}"
