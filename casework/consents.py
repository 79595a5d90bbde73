"""Consents.  Each names what it was given for, and allows nothing once it is used up or overtaken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from models.tables import Question
from models.vocabulary import QuestionKind

if TYPE_CHECKING:
    from casework.context import Context

RESTORES = (QuestionKind.RESTORE, QuestionKind.RETURN)


def answered(session: Session, case_id: str, *kinds: QuestionKind) -> Sequence[Question]:
    """Return the answered questions of *kinds*, in the order of their answers."""
    return session.exec(_answered(kinds), params={"case_id": case_id}).all()


@cache
def _answered(kinds: tuple[QuestionKind, ...]) -> SelectOfScalar[Question]:
    """Return the query for answered questions, made once: SQLAlchemy would write out an IN for every call."""
    of_kinds = or_(*(col(Question.kind) == kind for kind in kinds))
    query = select(Question).where(Question.case_id == bindparam("case_id"), of_kinds)
    return query.where(col(Question.answered_at).is_not(None)).order_by(col(Question.answered_at))


def living(session: Session, case_id: str, *kinds: QuestionKind) -> list[Question]:
    """Return the consents of *kinds* that were given and are not used up.  A question that was settled unanswered gave no consent."""
    return [one for one in answered(session, case_id, *kinds) if one.used_at is None and one.answer]


def use_up(context: Context, session: Session, consents: Iterable[Question]) -> None:
    """End *consents*: what they were given for was carried out, or overtaken."""
    for consent in consents:
        consent.used_at = context.now()
        session.add(consent)


def overtake_restores(context: Context, session: Session, case_id: str, about: Collection[str | None]) -> None:
    """Use up the consents to a restore of *about*: an account's reference, None for the whole case."""
    use_up(context, session, (one for one in living(session, case_id, *RESTORES) if one.subject in about))
