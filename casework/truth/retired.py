"""Connections that two people have retired: what was there is no longer looked for, and keeps no case open."""

from __future__ import annotations

from sqlmodel import Session, col, select

from casework.context import Context
from casework.question_kinds import TENANT
from models.tables import Question
from models.vocabulary import ConnectionId, QuestionKind


def retired(context: Context, session: Session) -> frozenset[ConnectionId]:
    """Return the services that two people have retired, but for those that are open here: they are in use again."""
    asked = select(Question.subject).where(Question.case_id == TENANT, Question.kind == QuestionKind.RETIRE)
    found = {str(name) for name in session.exec(asked.where(col(Question.answered_at).is_not(None))).all()}
    return frozenset(found - set(context.connectors))
