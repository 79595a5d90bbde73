"""What needs a run gets one: this, not the scheduler, is what guarantees that a due case is cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select

from casework.access import cutting
from casework.claims import held, lead, wanted
from casework.context import Context
from casework.lifecycle import PLAN_WANTED, UNDER_WAY
from models.tables import Case
from models.vocabulary import RunState


@dataclass(frozen=True, slots=True)
class DueGroup:
    """Cases of one instant that need one run.  *key* makes asking for the run twice one run."""

    due_at: datetime
    case_ids: tuple[str, ...]
    purpose: str
    key: str


def due_for_run(context: Context) -> list[DueGroup]:
    """
    Return what needs a run now or soon: an open case its plan, a due one its cut, one with findings another try.

    A case that a living run holds is not among them.  An open question never keeps a due case from its cut: what is
    sure goes at the instant, what is doubtful waits for the answer.
    """
    now = context.now()
    plans: list[DueGroup] = []
    cuts: dict[datetime, list[Case]] = defaultdict(list)
    with context.store.read() as session:
        cases = session.exec(select(Case).where(col(Case.state).in_(UNDER_WAY))).all()
    for case in cases:
        if not wanted(case, now):
            continue
        if case.for_real and case.due_at <= now + timedelta(seconds=context.policy.sweep.ahead_seconds):
            cuts[max(case.due_at - lead(context), case.next_run_at or case.opened_at)].append(case)
        elif case.run_state is not RunState.PAUSED and _wants_plan(context, case):
            plans.append(DueGroup(now, (case.id,), "plan", _key(case)))
    return plans + [_group(starts_at, cases) for starts_at, cases in sorted(cuts.items())]


def _wants_plan(context: Context, case: Case) -> bool:
    """Whether the case has no whole plan yet, or something is to be taken away before its instant."""
    return case.state in PLAN_WANTED or bool(cutting.early_rows(context, case.id))


def _key(case: Case) -> str:
    return f"case:{case.id}:rev{case.revision}:run{case.run_attempt}"


def _group(starts_at: datetime, cases: Sequence[Case]) -> DueGroup:
    return DueGroup(starts_at, tuple(case.id for case in cases), "offboard", "+".join(_key(case) for case in cases))


def runs_to_check(context: Context) -> list[tuple[str, str]]:
    """Return (case, run) where a run should be alive and no lease proves it."""
    now = context.now()
    with context.store.read() as session:
        cases = session.exec(
            select(Case).where(
                col(Case.run_state).in_((RunState.SCHEDULED, RunState.RUNNING)), col(Case.run_id).is_not(None)
            )
        ).all()
    return [(case.id, case.run_id) for case in cases if case.run_id is not None and not held(case, now)]
