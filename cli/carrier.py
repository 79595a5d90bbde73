"""The terminal as a carrier of the runbook: a case from its notice to its end in this process, without Prefect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from casework import runbook
from casework.actor import Actor
from casework.claims import LEASE
from casework.context import Context
from casework.intake.opening import decide_for_real
from casework.runbook import Carrier, Work
from cli.errors import REMAINS, Refused
from cli.terminal import Step, advice, sentence
from models.tables import Case
from models.vocabulary import ConnectionId

_TOLD = frozenset({"wait", "cut", "observe", "collect", "check-papers"})
STEPS = 1 + len(_TOLD)
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
            raise Refused(*advice("another_run", case=case_id), REMAINS)
        await context.sleep(_AGAIN)


def decide(context: Context, case_id: str, by: Actor | str) -> None:
    """Record the decision that vendors may be changed for this case."""
    context.case(case_id)
    with context.store.write() as session:
        decide_for_real(context, session, session.get_one(Case, case_id), by)


async def whole_case(context: Context, case_id: str, step: Step) -> None:
    """Carry the case's runbook; raises what `casework.runbook.offboard` raises."""
    async with hold(context, case_id):
        await runbook.offboard(context, case_id, in_words(step))


def in_words(step: Step) -> Carrier:
    """Carry steps so that *step* hears of each kind once, when its first one begins."""
    untold = set(_TOLD)

    async def carry(name: str, work: Work, connection: ConnectionId | None = None) -> None:  # noqa: ARG001  # all alike
        if name in untold:
            untold.remove(name)
            step(sentence(f"step_{name}"))
        await work()

    return carry
