"""The blast radius: when more people are to be cut in one window than policy allows, the cut waits for a second person's release."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, select
from sqlmodel import Session, col, or_

from audit.leaf import stamp
from casework.consents import living, use_up
from casework.context import Context, case_in
from casework.errors import BadRequest, QuestionsOpen
from casework.lifecycle import TAKEN_BACK, begun
from casework.questions import ask, open_questions, settle
from models.tables import Case
from models.vocabulary import QuestionKind

_RELEASE = QuestionKind.RELEASE
_OF_A_CUT = (col(Case.id), col(Case.contained_at), col(Case.due_at), col(Case.opened_at), col(Case.for_real_at))
_LATELY = (
    col(Case.for_real).is_(True), col(Case.state).not_in(TAKEN_BACK),
    or_(col(Case.contained_at).is_(None), col(Case.contained_at) > bindparam("since")),
)  # fmt: skip
_COUNT, _CUT = select(func.count()).where(*_LATELY), select(*_OF_A_CUT).where(*_LATELY)


def require_lease(context: Context, case: Case) -> None:
    """Raise `BadRequest` if this process's run has lost the case to another one."""
    runner = context.leases.get(case.id)
    if runner is not None and case.lease_holder != runner:
        raise BadRequest(f"{case.id}: another run holds the case now", "Nothing by hand: that run goes on.")


def ask_early(context: Context, case_id: str) -> str | None:
    """
    Ask for a release if this cut would exceed the limit; return the id of the question while it is open.

    A release for another list of cases is used up, and a question that is not needed any more is settled.
    """
    with context.store.write() as session:
        case = case_in(session, case_id)
        if _within(context, session, case):
            for question in open_questions(session, case_id, {_RELEASE}):
                settle(context, session, question, "no release is needed any more")
            return None
        use_up(context, session, living(session, case_id, _RELEASE))
        cut = sorted(_cut_together(context, session, case))
        sha256 = hashlib.sha256("\n".join(cut).encode()).hexdigest()
        named = {"until": stamp(_cut_at(case)), "count": len(cut), "sha256": sha256, "cases": cut}
        return ask(context, session, _RELEASE, case_id, options=[named], count=len(cut)).id


def ask_release(context: Context, case_id: str) -> None:
    """Ask as `ask_early` does; raise `QuestionsOpen` until the cut is released."""
    if (asked := ask_early(context, case_id)) is not None:
        raise QuestionsOpen([asked])


def require_release(context: Context, session: Session, case: Case) -> None:
    """Raise `QuestionsOpen` if this cut would exceed the limit and is not released."""
    if not _within(context, session, case):
        raise QuestionsOpen([question.id for question in open_questions(session, case.id, {_RELEASE})])


def _within(context: Context, session: Session, case: Case) -> bool:
    """Whether the case may be cut: its window is within the limit, its cut has begun, or all cases of the window are released."""
    if case.contained_at is not None or not case.for_real or begun(session, case.id):
        return True
    cut = _cut_together(context, session, case)
    if len(cut) <= context.policy.blast_radius.limit:
        return True
    released = (release.options for release in living(session, case.id, _RELEASE))
    return any(cut <= {one for named in options for one in named["cases"]} for options in released)


def _cut_together(context: Context, session: Session, case: Case) -> frozenset[str]:
    """Return the cases cut in the window that ends with this one, including it; none if all recent cases are within the limit."""
    until = max(_cut_at(case), context.now())  # what is decided late is cut now
    since = until - timedelta(hours=context.policy.blast_radius.window_hours)
    connection = session.connection()
    if connection.execute(_COUNT, {"since": since}).scalar_one() <= context.policy.blast_radius.limit:
        return frozenset()
    cut = connection.execute(_CUT, {"since": since})
    return frozenset(other.id for other in cut if since < _cut_at(other) <= until)


def _cut_at(case: Case | Row[Any, Any, Any, Any, Any]) -> datetime:
    """Return when the case is, or was, cut; never before it was opened and decided, even if its date is past."""
    return case.contained_at or max(case.due_at, case.opened_at, case.for_real_at or case.opened_at)
