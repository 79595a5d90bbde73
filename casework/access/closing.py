"""The gate: a case closes when every row is settled and nobody is waited for."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlmodel import Session

from audit.events import EventType
from casework.access.findings import assess, open_findings
from casework.access.rows import accepted_rows
from casework.cases import ENDED
from casework.decisions.questions import open_questions
from casework.desk import Desk
from casework.errors import QuestionsOpen, StillOpen
from casework.recording import seal
from models.tables import Case, Look
from models.vocabulary import SETTLED, CaseState


def close(desk: Desk, case_id: str) -> None:
    """
    Close and seal the case, or raise why it may not: `QuestionsOpen`, else `StillOpen` with the findings by kind.

    Closing a closed case does nothing.
    """
    with desk.store.write() as session:
        case = session.get_one(Case, case_id)
        if case.state is CaseState.CLOSED or case.state in ENDED:
            return
        assess(desk, session, case_id)
        session.flush()
        asked = [question.id for question in open_questions(session, case_id)]
        reasons = Counter(str(finding.kind) for finding in open_findings(session, case_id))
        if not asked and not reasons:
            reasons = Counter(_rest(desk, session, case))
        if not asked and not reasons:
            _close(desk, session, case)
            return
    if asked:
        raise QuestionsOpen(asked)
    raise StillOpen(dict(reasons))


def _rest(desk: Desk, session: Session, case: Case) -> list[str]:
    """Return what no finding says and yet forbids to close: the plan not carried out, an intent without outcome."""
    rest = [f"not_cut_{row.kind}" for row in accepted_rows(session, case.id) if row.state not in SETTLED]
    if case.state is not CaseState.DEPROVISIONED:
        rest.append("plan_only" if not case.for_real else f"only_{case.state}")
    rest += ["intent_without_outcome" for _ in desk.store.trail.open_intents(session.connection(), case.id)]
    return rest


def _close(desk: Desk, session: Session, case: Case) -> None:
    case.state, case.closed_at, case.next_run_at = CaseState.CLOSED, desk.now(), None
    session.add(case)
    rows = accepted_rows(session, case.id)
    seal(
        desk, session, EventType.CASE_CLOSED, case.id,
        count=len(rows), states=dict(sorted(Counter(str(row.state) for row in rows).items())),
    )  # fmt: skip
    for hours in desk.policy.looks.hours:
        label = f"+{hours:g}h" if hours < 48 else f"+{hours / 24:g}d"
        session.merge(Look(case_id=case.id, label=label, due_at=desk.now() + timedelta(hours=hours)))
