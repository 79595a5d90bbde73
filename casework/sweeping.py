"""What needs a run gets one: this, not the scheduler, is what guarantees that a due case is cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, or_, select

from casework.access import cutting
from casework.claims import decided_at, held, lead, may_be_taken_over, overdue, wanted
from casework.context import Context
from casework.decisions.pausing import cases_and_pauses
from casework.lifecycle import MOVABLE, PLAN_WANTED, UNDER_WAY
from models.tables import Case
from models.vocabulary import RunState

_A_RUN_IS_LATE = timedelta(seconds=3)
"""After the instant.  A run that was made in time has held its case for a minute then."""
_NOBODY_WAS_ASKED = timedelta(seconds=1.5)
"""After a decision for what is due already: no run can have been made ahead.  Who decided at a terminal carries it there."""


@dataclass(frozen=True, slots=True)
class DueGroup:
    """Cases that need one run, from *due_at* on.  The same *key* twice is one run, a cancelled one too: it counts revisions and attempts."""

    due_at: datetime
    case_ids: tuple[str, ...]
    purpose: str
    key: str


def due_for_run(context: Context) -> list[DueGroup]:
    """
    Return what needs a run now or soon, cuts before plans: a due case its cut, one with findings another try, an open one its plan.

    A case that a living run holds is not among them, and a paused one gets a plan at most.  An open question never keeps a due case from its cut: what is
    sure goes at the instant, what is doubtful waits for the answer.
    """
    now = context.now()
    plans: list[DueGroup] = []
    runs: dict[tuple[datetime, str], list[Case]] = defaultdict(list)
    for case, paused in cases_and_pauses(context, col(Case.state).in_(UNDER_WAY)):
        if not wanted(case, now):
            continue
        soon = case.due_at <= now + timedelta(seconds=context.policy.sweep.ahead_seconds)
        if case.for_real and soon and not paused:
            purpose = "offboard" if case.state in MOVABLE and case.tries == 0 else "again"
            runs[max(case.due_at - lead(context), now), purpose].append(case)
        elif case.run_state is not RunState.PAUSED and _wants_plan(context, case, paused=paused):
            plans.append(_group(now, [case], "plan"))
    return [_group(starts_at, runs[starts_at, purpose], purpose) for starts_at, purpose in sorted(runs)] + plans


def unclaimed(context: Context, *, cut: bool = False) -> list[str]:
    """
    Return the cases whose instant has passed and that nobody cuts, or carries on if they are *cut* already, the earliest first,
    whatever their run is said to do.

    Those whose last try left findings rest until their next one is due, those that are paused until they are resumed.
    """
    context.store.compare_clocks()  # whoever looks for hours and writes nothing: its machine's clock may be set meanwhile
    now = context.now()
    due = (
        col(Case.state).in_(UNDER_WAY - MOVABLE if cut else MOVABLE),
        col(Case.for_real).is_(True),
        col(Case.due_at) <= now,
    )
    rested = or_(col(Case.next_run_at).is_(None), col(Case.next_run_at) <= now)
    return [
        case.id
        for case, paused in cases_and_pauses(context, *due, rested)
        if not paused and _in_nobodys_hands(case, now)
    ]


def _in_nobodys_hands(case: Case, now: datetime) -> bool:
    if held(case, now):
        return may_be_taken_over(case, now)
    return overdue(case, now) >= (_NOBODY_WAS_ASKED if decided_at(case) >= case.due_at else _A_RUN_IS_LATE)


def _wants_plan(context: Context, case: Case, *, paused: bool) -> bool:
    """Whether the case has no whole plan yet, or something is to be taken away before its instant and may be."""
    return case.state in PLAN_WANTED or (not paused and bool(cutting.early_rows(context, case.id)))


def _group(starts_at: datetime, cases: Sequence[Case], purpose: str) -> DueGroup:
    key = "+".join(f"case:{case.id}:rev{case.revision}:run{case.run_attempt}" for case in cases)
    return DueGroup(starts_at, tuple(case.id for case in cases), purpose, key)


def runs_to_check(context: Context) -> list[tuple[str, str]]:
    """Return (case, run) where a run should be alive and no lease proves it."""
    now = context.now()
    with context.store.read() as session:
        cases = session.exec(select(Case).where(col(Case.run_state).in_((RunState.SCHEDULED, RunState.RUNNING)))).all()
    return [(case.id, case.run_id) for case in cases if case.run_id is not None and not held(case, now)]
