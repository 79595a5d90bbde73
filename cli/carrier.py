"""The terminal as a carrier of the runbook: a case from its notice to its end in this process, without Prefect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from casework import runbook
from casework.actor import Actor
from casework.claims import LEASE
from casework.context import Context
from casework.errors import QuestionsOpen
from casework.intake.opening import decide_for_real
from casework.lifecycle import PLAN_WANTED
from cli.errors import REMAINS, Refused
from cli.terminal import Step, say
from models.tables import Case
from models.vocabulary import ConnectionId

STEPS = 6
_AGAIN = 1.0
_MARGIN = timedelta(seconds=5)


@asynccontextmanager
async def hold(context: Context, case_id: str) -> AsyncIterator[None]:
    """Hold the case's lease, waiting for a dead run's to end by itself; raises `Refused` while a living one has it."""
    runner = context.name("terminal")
    deadline = context.now() + LEASE + _MARGIN
    while True:
        async with runbook.claim(context, case_id, runner) as ours:
            if ours:
                yield
                return
        if context.now() > deadline:
            raise Refused(f"{case_id}: another run works on it", "Wait until that run has ended.", REMAINS)
        await context.sleep(_AGAIN)


def decide(context: Context, case_id: str, by: Actor | str) -> None:
    """Record the decision that vendors may be changed for this case."""
    context.case(case_id)
    with context.store.write() as session:
        decide_for_real(context, session, session.get_one(Case, case_id), by)


async def whole_case(context: Context, case_id: str, step: Step) -> None:
    """
    Take the case as far as it can go.  Safe to run again at any point.

    Raises `StillOpen` or `QuestionsOpen` when it may not close.  A case that is a plan only ends with its plan.
    """
    async with hold(context, case_id):
        if context.case(case_id).state in PLAN_WANTED:
            await runbook.make_plan(context, case_id)
        step(say("waiting for the instant", "停止時刻を待機中"))
        if not context.case(case_id).for_real:
            return
        await runbook.wait_until_due(context, case_id)
        step(say("containing", "封じ込め中"))
        await _everywhere(runbook.contain, context, case_id)
        step(say("taking the rest away", "残りを停止中"))
        await _everywhere(runbook.deprovision, context, case_id)
        step(say("looking until it is closed", "停止を確認中"))
        await runbook.observe_until_closed(context, case_id)
        step(say("closing", "完了処理中"))
        runbook.close(context, case_id)


async def _everywhere(
    verb: Callable[[Context, str, ConnectionId], Awaitable[None]], context: Context, case_id: str
) -> None:
    """All services at once; one that fails never stops another, and closing refuses what it left open."""
    steps = (verb(context, case_id, service) for service in context.connectors)
    for outcome in await asyncio.gather(*steps, return_exceptions=True):
        if isinstance(outcome, QuestionsOpen) or not isinstance(outcome, Exception | None):
            raise outcome
