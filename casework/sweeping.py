"""Find the cases that need a run.  This guarantees that a due case is cut; the scheduler does not."""

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
"""After the instant.  A run that was made in time has then held its case for a minute (policy's `lead_seconds`)."""
_NOBODY_WAS_ASKED = timedelta(seconds=1.5)
"""After a decision on a case that was already due: no run was made ahead.  Until then a terminal may carry the case itself."""


@dataclass(frozen=True, slots=True)
class DueGroup:
    """Cases that need one run, from *due_at* on.  One *key* is one run, even a cancelled one: it counts revisions and attempts."""

    due_at: datetime
    case_ids: tuple[str, ...]
    purpose: str
    key: str


def due_for_run(context: Context) -> list[DueGroup]:
    """
    Return what needs a run now or soon, cuts first: due cases for their cut, cases with findings for another try, open cases for a plan.

    A case that a living run holds is left out, and a paused case gets a plan at most.  An open question never delays a due
    case: accounts that are surely the leaver's are cut at the instant, doubtful ones wait for the answer.
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
    Return the cases, earliest first, whose instant has passed and that no run cuts; with *cut*, those already cut that no run
    carries on.  The recorded state of their run is not believed.

    Cases whose last try left findings wait until the next try is due, paused ones until they are resumed.
    """
    context.store.compare_clocks()  # a caller may only read for hours, while its machine's clock is set
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
    """Whether the case has no whole plan yet, or has rows to take away early and is not paused."""
    return case.state in PLAN_WANTED or (not paused and bool(cutting.early_rows(context, case.id)))


def _group(starts_at: datetime, cases: Sequence[Case], purpose: str) -> DueGroup:
    key = "+".join(f"case:{case.id}:rev{case.revision}:run{case.run_attempt}" for case in cases)
    return DueGroup(starts_at, tuple(case.id for case in cases), purpose, key)


def runs_to_check(context: Context) -> list[tuple[str, str]]:
    """Return (case, run) for each run that should be alive and holds no lease."""
    now = context.now()
    with context.store.read() as session:
        cases = session.exec(select(Case).where(col(Case.run_state).in_((RunState.SCHEDULED, RunState.RUNNING)))).all()
    return [(case.id, case.run_id) for case in cases if case.run_id is not None and not held(case, now)]
