"""
The second look at open and lately closed cases: what needs a run gets one, what was closed is looked at again.

This, not the scheduler, is what guarantees that a due case is cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.access import cutting, planning
from casework.access.findings import assess
from casework.access.rows import accepted_rows
from casework.activity import aftermath, snapshot
from casework.claims import free, held, lead, record_run, release_run, wanted
from casework.desk import Desk
from casework.recording import seal
from models.tables import Aftermath, Case, CaseEntitlement, Look
from models.vocabulary import SETTLED, CaseState, EntitlementState, RunState

__all__ = [
    "DueGroup",
    "LookReport",
    "collect_again",
    "due_for_run",
    "look_again",
    "record_run",
    "release_run",
    "runs_to_check",
]

_LOOKED_AT = (CaseState.CLOSED, CaseState.CONTAINED, CaseState.DEPROVISIONED)
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
        cases = session.exec(select(Case).where(col(Case.state).in_(_WORKED_ON))).all()
    for case in cases:
        if not wanted(case, now):
            continue
        if case.for_real and case.due_at <= now + timedelta(seconds=desk.policy.sweep.ahead_seconds):
            cuts[max(case.due_at - lead(desk), case.next_run_at or case.opened_at)].append(case)
        elif case.run_state is not RunState.PAUSED and _wants_plan(desk, case):
            plans.append(DueGroup(now, (case.id,), "plan", _key(case)))
    return plans + [_group(starts_at, cases) for starts_at, cases in sorted(cuts.items())]


def _wants_plan(desk: Desk, case: Case) -> bool:
    """Whether the case has no whole plan yet, or something is to be taken away before its instant."""
    return case.state in {CaseState.OPEN, CaseState.PLANNED} or bool(cutting.early_rows(desk, case.id))


def _key(case: Case) -> str:
    return f"case:{case.id}:rev{case.revision}:run{case.run_attempt}"


def _group(starts_at: datetime, cases: Sequence[Case]) -> DueGroup:
    return DueGroup(starts_at, tuple(case.id for case in cases), "offboard", "+".join(_key(case) for case in cases))


def runs_to_check(desk: Desk) -> list[tuple[str, str]]:
    """Return (case, run) where a run should be alive and no lease proves it."""
    now = desk.now()
    with desk.store.read() as session:
        cases = session.exec(
            select(Case).where(
                col(Case.run_state).in_((RunState.SCHEDULED, RunState.RUNNING)), col(Case.run_id).is_not(None)
            )
        ).all()
    return [(case.id, case.run_id) for case in cases if case.run_id is not None and not held(case, now)]


async def collect_again(desk: Desk) -> tuple[int, int]:
    """
    Go on with the snapshots that are not complete, or due again; return how many have news, and were opened again.

    Whoever was heard of is opened again by what stands in the database, whatever became of this turn or of an earlier one.
    """
    try:
        news = await snapshot.go_on(desk)
    finally:
        reopened = _reopen_heard(desk)
    return len(news), reopened


async def look_again(desk: Desk) -> LookReport:
    """
    Carry out the looks after closing that are due, and open again what lost its waiver.

    A bad look opens the case again; it never rewrites the record.  A case that was given back is not looked at.
    """
    report = LookReport(reopened=_lapsed(desk))
    with desk.store.read() as session:
        due = session.exec(select(Look).where(col(Look.looked_at).is_(None), Look.due_at <= desk.now())).all()
        seen = select(Case).where(col(Case.state).in_(_LOOKED_AT), col(Case.erased_at).is_(None))
        alive = {case.id for case in session.exec(seen).all()}
    for case_id in sorted({look.case_id for look in due} & alive):
        await planning.take_inventory(desk, case_id)
        report.looked.append(case_id)
        if _conclude(desk, case_id, [look.label for look in due if look.case_id == case_id]):
            report.reopened.append(case_id)
    return report


def _lapsed(desk: Desk) -> list[str]:
    """Open the closed cases again whose waiver has ended; return them."""
    with desk.store.read() as session:
        waived = select(CaseEntitlement.case_id).where(CaseEntitlement.state == EntitlementState.WAIVED)
        closed = select(Case).where(
            Case.state == CaseState.CLOSED, col(Case.id).in_(waived), col(Case.erased_at).is_(None)
        )
        ids = [case.id for case in session.exec(closed).all()]
    return [case_id for case_id in ids if _reopen_if_open(desk, case_id)]


def _reopen_if_open(desk: Desk, case_id: str) -> bool:
    with desk.store.write() as session:
        assess(desk, session, case_id)
        return _reopen(desk, session, session.get_one(Case, case_id)) > 0


def _conclude(desk: Desk, case_id: str, labels: Sequence[str]) -> bool:
    with desk.store.write() as session:
        assess(desk, session, case_id)
        bad = _reopen(desk, session, session.get_one(Case, case_id))
        for label in labels:
            done = session.get_one(Look, (case_id, label))
            done.looked_at, done.verdict = desk.now(), "reopened" if bad else "quiet"
            session.add(done)
            seal(desk, session, EventType.CASE_LOOKED, case_id, count=bad, state=done.verdict, payload={"look": label})
        return bad > 0


def _reopen_heard(desk: Desk) -> int:
    """Open the closed cases again of which a log tells something after the cut that nobody has answered for."""
    with desk.store.read() as session:
        heard = select(Case).where(
            Case.state == CaseState.CLOSED, col(Case.erased_at).is_(None), col(Case.id).in_(select(Aftermath.case_id))
        )
        cases = [case.id for case in session.exec(heard).all() if aftermath.unanswered(session, case.id)]
    return sum(_reopen_if_open(desk, case_id) for case_id in cases)


def _reopen(desk: Desk, session: Session, case: Case) -> int:
    """Open a closed case again if rows of it are not settled any more, or the leaver was heard of; return how many."""
    bad = sum(row.state not in SETTLED for row in accepted_rows(session, case.id))
    bad += aftermath.unanswered(session, case.id)
    if bad and case.state is CaseState.CLOSED:
        case.state, case.closed_at = CaseState.DEPROVISIONED, None
        free(session, case)
        seal(desk, session, EventType.CASE_REOPENED, case.id, count=bad)
        assess(desk, session, case.id)
    return bad
