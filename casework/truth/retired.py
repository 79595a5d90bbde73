"""Connections that two people have retired: what was there is no longer looked for, and keeps no case open."""

from __future__ import annotations

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from casework.context import Context
from casework.question_kinds import TENANT
from models.tables import Question
from models.vocabulary import ConnectionId, QuestionKind


def in_use(context: Context) -> frozenset[ConnectionId]:
    """Return the connections that cannot be retired: those of the settings, and those that are open here."""
    return context.configured | frozenset(context.connectors)


def retired(context: Context, session: Session) -> frozenset[ConnectionId]:
    """Return the connections that two people have retired and that have not been used since."""
    agreed = _not_overtaken().where(col(Question.answered_at).is_not(None))
    return frozenset(str(question.subject) for question in session.exec(agreed).all()) - in_use(context)


def end_retirement(context: Context, session: Session, connection: ConnectionId) -> None:
    """Let what was asked and agreed about retiring *connection* count no more: it was used, a tenant is there again."""
    for question in session.exec(_not_overtaken().where(Question.subject == str(connection))).all():
        question.used_at = context.now()
        session.add(question)


def _not_overtaken() -> SelectOfScalar[Question]:
    retirements = select(Question).where(Question.case_id == TENANT, Question.kind == QuestionKind.RETIRE)
    return retirements.where(col(Question.used_at).is_(None))
