"""
Questions to people, the only way in which casework asks: how a question is asked, answered and taken back.

The room that takes an answer carries out its effect in the same transaction, then assesses the case.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from audit.events import EventType
from audit.leaf import stamp
from casework.context import Context
from casework.errors import BadRequest
from casework.lifecycle import wake
from casework.question_kinds import HOLDING, KINDS
from casework.recording import seal
from models.actor import Actor, actor_of, itself
from models.tables import Case, Question
from models.vocabulary import QuestionKind, Role, Standing

_LONGEST = 4000
"""Characters of an answer in words."""


def ask(  # noqa: PLR0913  # a question's parts, each by name
    context: Context,
    session: Session,
    kind: QuestionKind,
    case_id: str,
    /,
    *,
    by: Actor | str | None = None,
    text: str = "",
    subject: str | None = None,
    options: Sequence[dict[str, Any]] = (),
    question_id: str | None = None,
    payload: dict[str, Any] | None = None,
    **fields: Any,
) -> Question:
    """
    Ask a question and seal it with *payload* and the leaf's *fields*.  A person (*by*) asks with a *text*; without *by* casework asks.

    Casework asks once: while its question on *subject* is open, other options raise its revision.  Raises `BadRequest`
    for a person who gives no reason.
    """
    if by is not None and not text.strip():
        raise BadRequest(f"{kind}: has no reason", "Say why: whoever is asked decides by it.")
    same = (q for q in open_questions(session, case_id, {kind}) if by is None and q.subject == subject)
    question = next(same, None)
    if question is None:
        question = Question(
            id=question_id or context.name("q"), case_id=case_id, kind=kind, subject=subject, text=text or KINDS[kind].text,
            options=[*options], asked_by=None if by is None else actor_of(by), asked_at=context.now(),
            wanted_by=_wanted_by(context, kind, session.get(Case, case_id)),
        )  # fmt: skip
    elif question.options == [*options]:
        return question
    else:
        question.options, question.revision = [*options], question.revision + 1
    session.add(question)
    said = {"options": question.options} if by is None else {"by": actor_of(by).payload, "reason": text}
    if (event := KINDS[kind].asked_as) is not None:
        _seal(context, session, event, question, said | (payload or {}), wanted_by=stamp(question.wanted_by), **fields)
    return question


def answer(  # noqa: PLR0913  # an answer's parts, each by name
    context: Context,
    session: Session,
    question: Question,
    given: Sequence[str],
    /,
    *,
    by: Actor | str,
    reason: str = "",
    revision: int | None = None,
    payload: dict[str, Any] | None = None,
    **fields: Any,
) -> None:
    """
    Take and seal a person's answer.  *revision*: the one that they saw, by default the first.

    Raises `BadRequest` for a question that was answered, erased or changed since, for an answer that does not fit, and for
    a person who may not answer: the one who asked, where a second person is needed, or one known to have another role.
    """
    require_open(session, question, revision)
    who = actor_of(by)
    _require_asked(session, question, who, context.now())
    if not _fits(question, given):
        raise BadRequest(f"{question.id}: is not answered by that", f"Answer with {KINDS[question.kind].answer}.")
    said = _close(context, session, question, given, who, reason) | (payload or {})
    _seal(context, session, KINDS[question.kind].answered_as, question, said, **{"count": len(given)} | fields)


def require_open(session: Session, question: Question, revision: int | None = None) -> None:
    """Raise `BadRequest` for a question that was answered or erased, or has changed since *revision* (by default the first)."""
    case, seen = session.get(Case, question.case_id), 1 if revision is None else revision
    if case is not None and case.erased_at is not None:
        raise BadRequest(f"{question.id}: its case was erased", "Nothing is left to answer.")
    if question.answered_at is not None:
        raise BadRequest(f"{question.id}: was answered already", "See the case with `lastday show CASE`.")
    if seen != question.revision:
        changed = f"{question.id}: has changed since revision {seen}: it is at {question.revision}"
        again = f"Look at it again with `lastday show CASE`, then answer with --revision {question.revision}."
        raise BadRequest(changed, again)


def settle(context: Context, session: Session, question: Question, why: str) -> None:
    """Close a question that nobody has to answer any more."""
    said = _close(context, session, question, (), itself(context.actor), why)
    _seal(context, session, EventType.ANSWER_RECORDED, question, said, count=0)


def take_back(
    context: Context, session: Session, question: Question, *, by: Actor | str, reason: str, count: int
) -> None:
    """Take back an answer that had decided *count* things: the question is open again, with a new revision."""
    case = session.get_one(Case, question.case_id)
    question.answered_at = question.answered_by = question.answer = question.reason = None
    question.revision, question.wanted_by = question.revision + 1, _wanted_by(context, question.kind, case)
    session.add(question)
    wake(session, case)
    said = {"by": actor_of(by).payload, "reason": reason}
    _seal(context, session, EventType.ANSWER_RECORDED, question, said, count=count, choice="taken_back")


def move_deadlines(context: Context, session: Session, case: Case) -> None:
    """Move the deadlines of the case's open questions with its instant."""
    for question in open_questions(session, case.id, KINDS):
        if KINDS[question.kind].ahead is not None:
            question.wanted_by = _wanted_by(context, question.kind, case)
            session.add(question)


def asked_of(question: Question, now: datetime) -> tuple[Role, ...]:
    """Return the roles that are asked; once the answer is late, also the role it escalates to."""
    rules = KINDS[question.kind]
    return rules.roles + ((rules.escalates_to,) if now > question.wanted_by else ())


def candidates(question: Question) -> frozenset[str]:
    """Return the doubtful accounts that are shown, as `connection:id`.  The oldest questions name one service for all options."""
    doubtful = [option for option in question.options if option["standing"] == Standing.ASKED]
    of_all = question.connection
    return frozenset(f"{one.get('connection') or one.get('service', of_all)}:{one['account']}" for one in doubtful)


def open_questions(session: Session, case_id: str, kinds: Collection[QuestionKind] = HOLDING) -> list[Question]:
    """Return the case's unanswered questions, by default those that hold it, the oldest first."""
    return list(session.exec(_unanswered(frozenset(kinds)), params={"case_id": case_id}).all())


@cache
def _unanswered(kinds: frozenset[QuestionKind]) -> SelectOfScalar[Question]:
    """Return the query for open questions, made once: SQLAlchemy would write out an IN for every call."""
    of_kinds = or_(*(col(Question.kind) == kind for kind in sorted(kinds)))
    query = select(Question).where(Question.case_id == bindparam("case_id"), of_kinds)
    return query.where(col(Question.answered_at).is_(None)).order_by(col(Question.asked_at), col(Question.id))


def _wanted_by(context: Context, kind: QuestionKind, case: Case | None) -> datetime:
    rules, now = KINDS[kind], context.now()
    moments = () if case is None or rules.ahead is None else (case.due_at - rules.ahead, case.due_at)
    return next((moment for moment in moments if moment > now), now + rules.within)


def _require_asked(session: Session, question: Question, who: Actor, now: datetime) -> None:
    if KINDS[question.kind].second and any(first.may_be(who) for first in _first(session, question)):
        another = "Let a second person approve it, named in full if the names are alike: NAME@DOMAIN."
        raise BadRequest("approval: the same person asked for it", another)
    if who.role is not None and who.role not in (roles := asked_of(question, now)):
        raise BadRequest(f"{question.id}: is not asked of {who.role}", f"Let one of them answer: {', '.join(roles)}.")


def _first(session: Session, question: Question) -> list[Actor]:
    """Return who asked; if casework did, the people who reported the case, decided it for real or made it an emergency."""
    if question.asked_by is not None:
        return [question.asked_by]
    case = session.get_one(Case, question.case_id)
    return [actor_of(name) for name in (case.reported_by, case.for_real_by, case.at_once_by) if name is not None]


def _fits(question: Question, given: Sequence[str]) -> bool:
    match KINDS[question.kind].answer:
        case "accounts":
            return candidates(question) >= {*given}
        case "words":
            return len(given) == 1 and 0 < len(given[0].strip()) <= _LONGEST
        case choices:
            return len(given) == 1 and given[0] in choices.split(" or ")


def _close(  # an answer's parts
    context: Context, session: Session, question: Question, given: Sequence[str], who: Actor, reason: str
) -> dict[str, Any]:
    question.answered_at, question.answered_by = context.now(), who
    question.answer, question.reason = [*given], reason
    session.add(question)
    if KINDS[question.kind].holds:
        wake(session, session.get_one(Case, question.case_id))
    return {"by": who.payload, "chosen": [*given], "reason": reason}


def _seal(
    context: Context,
    session: Session,
    event: EventType,
    question: Question,
    payload: Mapping[str, Any],
    /,
    **fields: Any,
) -> None:
    own: dict[str, Any] = {"question": question.id, "kind": question.kind, "revision": question.revision}
    seal(context, session, event, question.case_id, payload=payload, **own | fields)
