"""Letting a case be taken up at once: the smallest part of `casework.claims`, for those that it stands on itself."""

from __future__ import annotations

from sqlmodel import Session

from models.tables import Case
from models.vocabulary import RunState


def free(session: Session, case: Case) -> None:
    """Let the next sweep take the case up at once: something about it was decided, or moved."""
    case.next_run_at = None
    if case.run_state is not RunState.RUNNING:
        case.run_state, case.run_id = RunState.NONE, None
    session.add(case)
