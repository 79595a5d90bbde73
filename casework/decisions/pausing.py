"""Pauses, the emergency brake: one person pauses, two resume, and the transaction of each intent checks.  Reads go on."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from audit.events import EventType
from casework.context import Context, kept_case
from casework.errors import BadRequest, Paused
from casework.lifecycle import UNDER_WAY, wake
from casework.question_kinds import TENANT
from casework.questions import ask
from casework.recording import seal
from models.actor import Actor, actor_of
from models.tables import Case, Pause, Question
from models.vocabulary import QuestionKind

_IN_FORCE = select(Pause).where(col(Pause.resumed_at).is_(None)).order_by(col(Pause.paused_at), col(Pause.id))


def in_force(session: Session) -> list[Pause]:
    """Return the pauses that are not resumed, the oldest first."""
    return list(session.exec(_IN_FORCE).all())


def concerns(pause: Pause, case: Case) -> bool:
    """Whether *pause* covers *case*: the case alone, its company, or everything."""
    return pause.case_id == case.id if pause.case_id is not None else pause.company in {None, case.company}


def cases_and_pauses(context: Context, *which: ColumnElement[bool]) -> list[tuple[Case, bool]]:
    """Return the cases that match *which*, the earliest instant first, each with whether it is paused."""
    with context.store.read() as session:
        cases, pauses = session.exec(select(Case).where(*which).order_by(col(Case.due_at))).all(), in_force(session)
    return [(case, any(concerns(pause, case) for pause in pauses)) for case in cases]


def require_not_paused(session: Session, case: Case) -> None:
    """Raise `Paused` while a pause covers *case*; its remedy, which Prefect never sees, names the person who paused."""
    held_by = next((pause for pause in in_force(session) if concerns(pause, case)), None)
    if held_by is not None:
        how = f"`lastday resume {held_by.id}`, then a second person approves."
        since = f"{case.id}: paused since {held_by.paused_at:%Y-%m-%d %H:%M:%S} UTC"
        raise Paused(since, f"By {held_by.paused_by}: {held_by.reason}. {how}")


def scope_of(pause: Pause) -> str:
    """Return the scope of *pause*: `case`, `company` or `everything`."""
    return "case" if pause.case_id is not None else "company" if pause.company is not None else "everything"


def pause(
    context: Context, *, by: Actor | str, reason: str, case_id: str | None = None, company: str | None = None
) -> Pause:
    """
    Stop every write at vendors from now on: for one case, for a company, or without either for everything.

    Requests that were sent already are not undone.  Raises `BadRequest` without a reason, and for an unknown or erased case, or
    a company without cases: the pause would stop nothing.
    """
    if not reason.strip():
        raise BadRequest("pause: has no reason", "Say why: whoever resumes decides by it.")
    with context.store.write() as session:
        if case_id is not None:
            kept_case(session, case_id)
        elif company is not None and session.exec(select(Case.id).where(Case.company == company)).first() is None:
            raise BadRequest(f"pause: there is no case of {company}", "List the cases with `lastday show`.")
        made = Pause(
            id=context.name("pause"), case_id=case_id, company=company, paused_by=actor_of(by), reason=reason,
            paused_at=context.now(),
        )  # fmt: skip
        session.add(made)
        seal(
            context, session, EventType.CASE_PAUSED, case_id or TENANT, pause=made.id, scope=scope_of(made),
            payload={"by": made.paused_by.payload, "reason": reason, "company": company},
        )  # fmt: skip
    return made


def request_resumption(context: Context, pause_id: str, *, by: Actor | str, reason: str) -> Question:
    """Ask for a pause to end; it ends once a second person approves.  The person who paused may be one of the two."""
    with context.store.write() as session:
        paused = _in_force(session, pause_id)
        return ask(
            context, session, QuestionKind.RESUME, paused.case_id or TENANT,
            by=by, text=reason, subject=pause_id, pause=pause_id, scope=scope_of(paused),
        )  # fmt: skip


def resume(context: Context, session: Session, pause_id: str) -> Pause:
    """End a pause, and have its cases taken up at once.  Raises `BadRequest` for a pause that has ended."""
    paused = _in_force(session, pause_id)
    paused.resumed_at = context.now()
    session.add(paused)
    for case in session.exec(select(Case).where(col(Case.state).in_(UNDER_WAY), col(Case.for_real).is_(True))).all():
        if concerns(paused, case):
            wake(session, case)
    return paused


def _in_force(session: Session, pause_id: str) -> Pause:
    paused = session.get(Pause, pause_id)
    if paused is None or paused.resumed_at is not None:
        raise BadRequest(f"{pause_id}: no such pause is in force", "See what is with `lastday show CASE`.")
    return paused
