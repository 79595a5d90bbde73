"""
The life of a case: the table of its transitions, named groups of its states, and the one function that moves it.

The picture in docs/architecture.md is made from the table by `python -m tests.documents picture`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam
from sqlmodel import Session, col, select

from audit.events import EventType
from audit.leaf import stamp
from audit.record import SEALED
from casework import consents
from casework.errors import BadRequest
from casework.recording import seal
from models.tables import Case, CaseEntitlement
from models.vocabulary import CaseState, EntitlementKind, QuestionKind, RunState

if TYPE_CHECKING:
    from casework.context import Context

S = CaseState
LATELY = timedelta(minutes=1)


class Transition(NamedTuple):
    """*verb* takes a case from *source* (None: it is new) to *to*; *event* is sealed with it."""

    source: CaseState | None
    to: CaseState
    verb: str
    event: EventType


TABLE = tuple(
    Transition(source, to, verb, event)
    for sources, to, verb, event in (
        ((None,), S.OPEN, "open", EventType.CASE_OPENED),
        ((S.OPEN,), S.PLANNED, "plan", EventType.CASE_PLANNED),
        ((S.OPEN, S.PLANNED), S.WAITING, "plan", EventType.CASE_WAITING),
        ((S.WAITING,), S.PLANNED, "correct", EventType.CASE_PLANNED),
        ((S.OPEN, S.PLANNED, S.WAITING), S.CUTTING, "cut", EventType.CASE_CUTTING),
        ((S.CUTTING,), S.WAITING, "reschedule", EventType.CASE_WAITING),
        ((S.PLANNED, S.WAITING, S.CUTTING), S.CONTAINED, "observe", EventType.CASE_CONTAINED),
        ((S.CONTAINED,), S.DEPROVISIONED, "observe", EventType.CASE_DEPROVISIONED),
        ((S.DEPROVISIONED,), S.CLOSED, "close", EventType.CASE_CLOSED),
        ((S.CLOSED,), S.DEPROVISIONED, "reopen", EventType.CASE_REOPENED),
        ((S.OPEN, S.PLANNED, S.WAITING), S.WITHDRAWN, "withdraw", EventType.CASE_WITHDRAWN),
        (
            (S.OPEN, S.PLANNED, S.WAITING, S.CUTTING, S.CONTAINED, S.DEPROVISIONED, S.CLOSED),
            S.RESTORING, "restore", EventType.CASE_RESTORING,
        ),
        ((S.RESTORING,), S.RESTORED, "restore", EventType.CASE_RESTORED),
    )
    for source in sources
)  # fmt: skip
_STEPS = {(step.source, step.to): step for step in TABLE}

PLAN_WANTED = frozenset({S.OPEN, S.PLANNED})
"""Without a whole plan: not every service has been searched."""
BEFORE_THE_CUT = PLAN_WANTED | {S.WAITING}
MOVABLE = BEFORE_THE_CUT | {S.CUTTING}
"""The instant may still move until a vendor was asked to block a sign-in; see `begun`."""
ADVANCING = frozenset({S.PLANNED, S.WAITING, S.CUTTING, S.CONTAINED})
"""A read may move the case on."""
UNDER_WAY = MOVABLE | {S.CONTAINED, S.DEPROVISIONED}
"""Runs work on it."""
RECHECKED = frozenset({S.CONTAINED, S.DEPROVISIONED, S.CLOSED})
"""The rechecks after closing are carried out."""
COLLECTED = RECHECKED | {S.WAITING, S.CUTTING}
"""The services' logs are read once the case is due."""
ENDED = frozenset({S.WITHDRAWN, S.RESTORED})
TAKEN_BACK = ENDED | {S.RESTORING}
"""The departure does not take place: a new notice for the person is not blocked by the case."""
FINISHED = ENDED | {S.CLOSED}
"""Its record may be exported and erased."""
NOT_TO_BE_CUT = TAKEN_BACK | {S.CLOSED}

_ASKED = select(CaseEntitlement.id).where(CaseEntitlement.case_id == bindparam("case_id"), CaseEntitlement.attempts > 0)
_SIGN_IN_ASKED = _ASKED.where(col(CaseEntitlement.kind) == EntitlementKind.SIGN_IN).limit(1)
_STAMPS = {S.CONTAINED: "contained_at", S.DEPROVISIONED: "deprovisioned_at", S.CLOSED: "closed_at"}


def enter(context: Context, session: Session, case: Case, **said: Any) -> None:
    """Add a new case in its first state and seal it.  *said*: see `casework.recording.seal`."""
    session.add(case)
    seal(context, session, _STEPS[None, case.state].event, case.id, state=case.state, scope=SEALED, **said)


def move(context: Context, session: Session, case: Case, to: CaseState, **said: Any) -> None:
    """
    Move *case* to another state and seal the transition's event with the fields *said* (`casework.recording.seal`).
    No other code writes a case's state.

    The first time of containing, deprovisioning and closing is kept; reopening removes the time of closing.  A consent to
    erase is used up when a case enters or leaves a finished state.  Raises `BadRequest` for a transition that is not in the
    table, also to the same state.
    """
    step = _STEPS.get((case.state, to))
    if step is None:
        raise BadRequest(f"{case.id}: cannot become {to}: it is {case.state}", f"See it with `lastday show {case.id}`.")
    source, case.state = case.state, to
    if source is S.CLOSED and step.verb == "reopen":
        case.closed_at = case.retain_until = case.retain_basis = None
    if FINISHED & {source, to}:
        consents.use_up(context, session, consents.living(session, case.id, QuestionKind.ERASE))
    column = _STAMPS.get(to)
    if column is not None and getattr(case, column) is None:
        setattr(case, column, context.now())
    session.add(case)
    moved_at = stamp(getattr(case, column)) if column is not None else None
    seal(context, session, step.event, case.id, state=to, from_state=source, moved_at=moved_at, **said)


def wake(session: Session, case: Case) -> None:
    """Let the next sweep take the case up at once, after a decision on it or a new date."""
    case.next_run_at, case.tries = None, 0
    if case.run_state is not RunState.RUNNING:
        case.run_state, case.run_id = RunState.NONE, None
    session.add(case)


def known_since(case: Case, now: datetime, within: timedelta = LATELY) -> datetime | None:
    """
    Return the time from which a read or a search counts as new: not older than *within*, the instant, or the run's claim.

    None if somebody woke the case since, or no run holds it.  A correction, an answer or an attestation asks for new reads.
    """
    return None if case.next_run_at is None else max(case.due_at, case.next_run_at, now - within)


def begun(session: Session, case_id: str) -> bool:
    """
    Whether the cut has begun: a vendor was asked to block a sign-in.

    Revocations on the last working day do not begin it: until the block the date may still move.
    """
    return session.exec(_SIGN_IN_ASKED, params={"case_id": case_id}).first() is not None


def was_asked(session: Session, case_id: str, *which: ColumnElement[bool]) -> bool:
    """Whether a vendor was asked for a revocation in the case, or for one of its rows that match *which*."""
    return session.exec(_ASKED.where(*which), params={"case_id": case_id}).first() is not None
