"""`lastday plan`, `run` and `sweep`: this process does the work of Prefect's runs itself, without Prefect."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated

import typer

from casework import runbook
from casework.access.rechecking import look_again
from casework.access.restore import block_interrupted
from casework.claims import LEASE
from casework.context import Context, case_in
from casework.errors import QuestionsOpen, StillOpen
from casework.intake.opening import decide_for_real
from casework.runbook import Carrier, Work
from casework.sweeping import due_for_run
from casework.view.case import CaseView
from casework.view.reading.case import case_view
from cli.anchor import anchor_soon
from cli.contexts import in_context, in_open_context, reachable
from cli.errors import DONE, REMAINS, CommandRefused
from cli.options import CaseId
from cli.show import answer_case
from cli.terminal import Step, Terminal, advice, sentence
from models.vocabulary import ConnectionId

_TOLD = frozenset({"wait", "cut", "observe", "collect", "check-papers"})
_AGAIN = 1.0
_MARGIN = timedelta(seconds=5)


def plan(terminal: Terminal, case: CaseId) -> int:
    """Find the leaver's accounts, list their entitlements, seal the plan.  Exits with 1 if findings or questions remain."""

    async def work(context: Context) -> CaseView:
        async with _hold(context, case):
            await runbook.make_plan(context, case)
        step(sentence("planned"))
        return case_view(context, case)

    with terminal.progress(1, sentence("looking_for_accounts")) as step:
        shown = in_open_context(work, connected=True)
    return answer_case(terminal, shown)


def run(
    terminal: Terminal,
    case: CaseId,
    for_real: Annotated[
        bool, typer.Option("--for-real", help="Record the decision first that vendors may be changed.")
    ] = False,
) -> int:
    """
    Plan, wait for the instant, cut, read until all is seen closed, close.  Safe to run again at any point.

    Without the recorded decision (--for-real here or at intake) it ends with the plan.  Exits with 1 unless the case was closed,
    or was a plan only and has neither findings nor questions.
    """

    async def work(context: Context) -> CaseView:
        if for_real:
            with context.store.write() as session:
                decide_for_real(context, session, case_in(session, case), terminal.who)
        with contextlib.suppress(StillOpen, QuestionsOpen):  # the case shows both, each with its remedy
            await whole_case(context, case, step)
        return case_view(context, case)

    with terminal.progress(1 + len(_TOLD), sentence("looking_for_accounts")) as step:
        shown = in_open_context(work, connected=True)
    if shown.state == "closed":
        anchor_soon(terminal)
    remains = answer_case(terminal, shown)
    if not shown.for_real:
        terminal.say(sentence("was_plan_only"))
        return remains
    return DONE if shown.state in {"closed", "withdrawn", "restored"} and remains == DONE else REMAINS


def sweep(terminal: Terminal) -> int:
    """
    Release dead runs, make runs for due cases, block accounts again that a killed restore left open, do the due rechecks.  Safe to
    run at any time.

    Exits with 1 if a recheck reopened a case or failed, if a restore must be run again, or if cases wait for a run and Prefect
    cannot be reached.
    """
    runs = _reconcile() if reachable() else {"released": 0, "made": 0}
    waiting = [case_id for group in in_context(due_for_run) for case_id in group.case_ids]
    blocked, cases = in_open_context(_at_the_services, connected=True)
    counts = runs | {"blocked_again": blocked}
    counted = counts | {what: len(ids) for what, ids in cases.items()}
    told = ", ".join(f"{what} {count}" for what, count in counted.items())
    terminal.answer({**counts, **cases, "waiting": waiting}, told.replace("_", " "))
    if waiting:
        terminal.say(sentence("without_run", ids=", ".join(waiting)))
    return REMAINS if waiting or blocked or cases["reopened"] or cases["not_looked"] else DONE


async def whole_case(context: Context, case_id: str, step: Step) -> None:
    """Carry the case's runbook.  Raises the errors of `casework.runbook.offboard`."""
    async with _hold(context, case_id):
        await runbook.offboard(context, case_id, _in_words(step))


@asynccontextmanager
async def _hold(context: Context, case_id: str) -> AsyncIterator[None]:
    """Hold the case's lease.  Waits until a dead run's lease has expired; raises `CommandRefused` if a live run has it."""
    runner = context.name("terminal")
    deadline = context.now() + LEASE + _MARGIN
    while True:
        async with runbook.claim(context, case_id, runner) as ours:
            if ours:
                yield
                return
        if context.now() > deadline:
            raise CommandRefused(*advice("another_run", case=case_id), REMAINS)
        await context.sleep(_AGAIN)


def _in_words(step: Step) -> Carrier:
    """Carry steps, and call *step* once for each kind of step, when the first one begins."""
    untold = set(_TOLD)

    async def carry(name: str, work: Work, connection: ConnectionId | None = None) -> None:  # noqa: ARG001  # all services alike
        if name in untold:
            untold.remove(name)
            step(sentence(f"step_{name}"))
        await work()

    return carry


def _reconcile() -> dict[str, int]:
    """Return how many runs were released and made."""
    from flows.scheduling import PrefectUnreachable
    from flows.sweep import sweep as reconcile

    try:
        return in_open_context(reconcile)
    except PrefectUnreachable as exc:
        raise CommandRefused(str(exc), "Start Prefect with `lastday up`, then run it again.") from exc


async def _at_the_services(context: Context) -> tuple[int, dict[str, list[str]]]:
    return await block_interrupted(context), await look_again(context)
