"""A case from its notice to its end in this process, in the order of `flows/offboard.py`, without Prefect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from casework import runbook as conduct
from casework.cases import decide_for_real
from casework.claims import LEASE
from casework.desk import Desk
from casework.errors import QuestionsOpen
from cli.errors import REMAINS, Refused
from cli.terminal import Step, say
from models.tables import Case
from models.vocabulary import CaseState, Service

STEPS = 6
_AGAIN = 1.0
_MARGIN = timedelta(seconds=5)
make_plan = conduct.make_plan


@asynccontextmanager
async def hold(desk: Desk, case_id: str) -> AsyncIterator[None]:
    """Hold the case's lease, waiting for a dead run's to end by itself; raises `Refused` while a living one has it."""
    runner = desk.name("terminal")
    deadline = desk.now() + LEASE + _MARGIN
    while True:
        async with conduct.claim(desk, case_id, runner) as ours:
            if ours:
                yield
                return
        if desk.now() > deadline:
            raise Refused(f"{case_id}: another run works on it", "Wait until that run has ended.", REMAINS)
        await desk.sleep(_AGAIN)


def decide(desk: Desk, case_id: str, by: str) -> None:
    """Record the decision that vendors may be changed for this case."""
    desk.case(case_id)
    with desk.store.write() as session:
        decide_for_real(desk, session, session.get_one(Case, case_id), by)


async def whole_case(desk: Desk, case_id: str, step: Step) -> None:
    """
    Take the case as far as it can go.  Safe to run again at any point.

    Raises `StillOpen` or `QuestionsOpen` when it may not close.  A case that is a plan only ends with its plan.
    """
    async with hold(desk, case_id):
        if desk.case(case_id).state in {CaseState.OPEN, CaseState.PLANNED}:
            await make_plan(desk, case_id)
        step(say("waiting for the instant", "停止時刻を待機中"))
        if not desk.case(case_id).for_real:
            return
        await conduct.wait_until_due(desk, case_id)
        step(say("containing", "封じ込め中"))
        await _everywhere(conduct.contain, desk, case_id)
        step(say("taking the rest away", "残りを停止中"))
        await _everywhere(conduct.deprovision, desk, case_id)
        step(say("looking until it is closed", "停止を確認中"))
        await conduct.observe_until_closed(desk, case_id)
        step(say("closing", "完了処理中"))
        conduct.close(desk, case_id)


async def _everywhere(verb: Callable[[Desk, str, Service], Awaitable[None]], desk: Desk, case_id: str) -> None:
    """All services at once; one that fails never stops another, and closing refuses what it left open."""
    outcomes = await asyncio.gather(
        *(verb(desk, case_id, service) for service in desk.connectors), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, QuestionsOpen) or (
            isinstance(outcome, BaseException) and not isinstance(outcome, Exception)
        ):
            raise outcome
