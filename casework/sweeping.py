"""
The second look at open and lately closed cases: what needs a run gets one, what was closed is looked at again.

This, not the scheduler, is what guarantees that a due case is cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select

from casework import planning
from casework.asking import open_questions
from casework.assessing import assess
from casework.desk import Desk
from casework.recording import seal
from casework.rows import rows_of
from models.tables import Case, CaseEntitlement, Look
from models.vocabulary import CaseState, EntitlementState

_WORKED_ON = (CaseState.OPEN, CaseState.PLANNED, CaseState.WAITING, CaseState.CONTAINED, CaseState.DEPROVISIONED)


@dataclass(frozen=True, slots=True)
class DueGroup:
    """Cases of one instant that need one run.  *key* makes asking for the run twice one run."""

    due_at: datetime
    case_ids: tuple[str, ...]
    purpose: str
    key: str


@dataclass(slots=True)
class LookReport:
    """What the looks after closing found: cases looked at, and those that had to be opened again."""

    looked: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)


def due_for_run(desk: Desk) -> list[DueGroup]:
    """
    Return what needs a run now or soon: an open case its plan, a due one its cut, one with findings another try.

    A case that a living run holds is not among them.  An open question never keeps a due case from its cut: what is
    sure goes at the instant, what is doubtful waits for the answer.
    """
    now = desk.now()
    plans: list[DueGroup] = []
    cuts: dict[datetime, list[Case]] = defaultdict(list)
    with desk.store.read() as session:
        for case in session.exec(select(Case).where(col(Case.state).in_(_WORKED_ON))).all():
            if not _free(case, now):
                continue
            ahead = timedelta(seconds=desk.policy.sweep.ahead_seconds)
            if case.for_real and case.due_at <= now + ahead:
                cuts[max(case.due_at, case.next_run_at or case.due_at)].append(case)
            elif case.run_state == "paused":
                continue
            elif case.state in {CaseState.OPEN, CaseState.PLANNED} or _early_due(desk, session, case):
                plans.append(DueGroup(now, (case.id,), "plan", _key(case)))
    return plans + [_group(due_at, cases) for due_at, cases in sorted(cuts.items())]


def _free(case: Case, now: datetime) -> bool:
    held = case.lease_until is not None and case.lease_until > now
    later = case.next_run_at is not None and case.next_run_at > now
    return not held and not later and case.run_state in {"none", "ended", "paused"}


def _early_due(desk: Desk, session: Session, case: Case) -> bool:
    """Whether something is to be taken away at the end of the last day worked, and has not been."""
    if not desk.policy.cut.early or case.last_working_at is None or case.last_working_at > desk.now():
        return False
    rows = rows_of(session, case.id)
    return case.for_real and any(r.kind in desk.policy.cut.early and r.state is EntitlementState.FOUND for r in rows)


def _key(case: Case) -> str:
    return f"case:{case.id}:rev{case.revision}:run{case.run_attempt}"


def _group(due_at: datetime, cases: Sequence[Case]) -> DueGroup:
    return DueGroup(due_at, tuple(case.id for case in cases), "offboard", "+".join(_key(case) for case in cases))


def record_run(desk: Desk, case_ids: Sequence[str], run_id: str) -> None:
    """Note the run that was made for *case_ids*."""
    with desk.store.write() as session:
        for case_id in case_ids:
            case = session.get_one(Case, case_id)
            case.run_id, case.run_state = run_id, "scheduled"
            case.run_attempt += 1
            session.add(case)


def runs_to_check(desk: Desk) -> list[tuple[str, str]]:
    """Return (case, run) where a run should be alive and no lease proves it."""
    with desk.store.read() as session:
        cases = session.exec(
            select(Case).where(
                col(Case.run_state).in_(("scheduled", "running", "paused")),
                or_(col(Case.lease_until).is_(None), col(Case.lease_until) <= desk.now()),
                col(Case.run_id).is_not(None),
            )
        ).all()
        waiting = {case.id for case in cases if case.run_state == "paused" and open_questions(session, case.id)}
    return [(case.id, case.run_id) for case in cases if case.run_id is not None and case.id not in waiting]


def release_run(desk: Desk, case_id: str) -> None:
    """Note that the case's run is dead: `due_for_run` offers the case again at once."""
    with desk.store.write() as session:
        case = session.get_one(Case, case_id)
        case.run_id, case.run_state = None, "ended"
        case.lease_holder = case.lease_until = None
        session.add(case)


async def look_again(desk: Desk) -> LookReport:
    """Carry out the looks after closing that are due.  A bad one opens the case again; it never rewrites the record."""
    report = LookReport()
    with desk.store.read() as session:
        due = session.exec(select(Look).where(col(Look.looked_at).is_(None), Look.due_at <= desk.now())).all()
    for case_id in sorted({look.case_id for look in due}):
        await planning.take_inventory(desk, case_id)
        bad = _conclude(desk, case_id, [look.label for look in due if look.case_id == case_id])
        report.looked.append(case_id)
        if bad:
            report.reopened.append(case_id)
    return report


def _conclude(desk: Desk, case_id: str, labels: Sequence[str]) -> bool:
    with desk.store.write() as session:
        case = session.get_one(Case, case_id)
        bad = [row for row in rows_of(session, case_id) if _came_back(row)]
        for label in labels:
            look = session.get_one(Look, (case_id, label))
            look.looked_at, look.verdict = desk.now(), "reopened" if bad else "quiet"
            session.add(look)
            seal(desk, session, "case.looked", case_id, count=len(bad), state=look.verdict, payload={"look": label})
        if bad and case.state is CaseState.CLOSED:
            case.state, case.closed_at, case.next_run_at, case.run_state = CaseState.DEPROVISIONED, None, None, "none"
            session.add(case)
            seal(desk, session, "case.reopened", case_id, count=len(bad))
        assess(desk, session, case_id)
        return bool(bad)


def _came_back(row: CaseEntitlement) -> bool:
    return row.state in {EntitlementState.FOUND, EntitlementState.STILL_OPEN, EntitlementState.UNREADABLE}
