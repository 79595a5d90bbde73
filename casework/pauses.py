"""The emergency brake: which pauses hold a case, asked in the transaction of each intent.  Reads go on."""

from __future__ import annotations

from sqlmodel import Session, col, select

from casework.errors import Paused
from models.tables import Case, Pause


def in_force(session: Session) -> list[Pause]:
    """Return the pauses that nobody has resumed, the oldest first."""
    query = select(Pause).where(col(Pause.resumed_at).is_(None))
    return list(session.exec(query.order_by(col(Pause.paused_at), col(Pause.id))).all())


def concerns(pause: Pause, case: Case) -> bool:
    """Whether *pause* is about *case*: it alone, its company, or everything."""
    return pause.case_id == case.id if pause.case_id is not None else pause.company in {None, case.company}


def pauses_of(session: Session, case: Case) -> list[Pause]:
    """Return the pauses that hold *case* now, the oldest first."""
    return [pause for pause in in_force(session) if concerns(pause, case)]


def require_not_paused(session: Session, case: Case) -> None:
    """Raise `Paused` while a pause holds *case*; its remedy, which Prefect never sees, names who has paused it."""
    for pause in pauses_of(session, case):
        how = f"`lastday resume {pause.id}`, then a second person approves."
        since = f"{case.id}: paused since {pause.paused_at:%Y-%m-%d %H:%M:%S} UTC"
        raise Paused(since, f"By {pause.paused_by}: {pause.reason}. {how}")


def scope_of(pause: Pause) -> str:
    """Return of what it is: `case`, `company` or `everything`."""
    return "case" if pause.case_id is not None else "company" if pause.company is not None else "everything"
