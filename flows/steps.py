"""The steps of a case as Prefect tasks, one a service, side by side in its page."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.utilities.annotations import quote

from casework import runbook
from casework.activity import collection
from casework.context import Context
from casework.errors import QuestionsOpen
from casework.view.opaque import opaque_questions
from flows.redaction import Elsewhere, redacted
from models.vocabulary import CaseState, ConnectionId

_log = logging.getLogger("lastday.flows")  # the process's own standard error, not Prefect's


# No retries, said aloud because a setting can change the default: a revocation is repeated by casework, which knows
# what was sent.  No cache and no stored result: a step is a look at the world and has nothing to say afterwards.
@task(name="contain", task_run_name="contain-{connection}", retries=0, cache_policy=NO_CACHE, persist_result=False)
@redacted
async def contain(context: Context, case_id: str, connection: ConnectionId) -> None:
    """Block sign-in, then end sessions.  Safe to repeat."""
    await runbook.contain(context, case_id, connection)


@task(
    name="deprovision", task_run_name="deprovision-{connection}", retries=0, cache_policy=NO_CACHE, persist_result=False
)
@redacted
async def deprovision(context: Context, case_id: str, connection: ConnectionId) -> None:
    """Take the rest away.  Safe to repeat."""
    await runbook.deprovision(context, case_id, connection)


# Beside the cut, never before it: what goes wrong here is a state of the papers and stops nothing.
@task(name="check-papers", task_run_name="check-papers", retries=0, cache_policy=NO_CACHE, persist_result=False)
@redacted
async def check_papers(context: Context, case_id: str) -> None:
    """Look for the leaver's confidentiality papers.  Safe to repeat."""
    await runbook.check_papers(context, case_id)


async def look_at_papers(context: Context, case_id: str) -> None:
    """Take the step that looks for papers.  See `regardless`."""
    await regardless(check_papers(hidden(context), case_id))


@task(name="collect", task_run_name="collect-{connection}", retries=0, cache_policy=NO_CACHE, persist_result=False)
@redacted
async def collect(context: Context, case_id: str, connection: ConnectionId) -> None:
    """Read the service's own log of the leaver, for as long as policy allows.  Safe to repeat."""
    await collection.after_the_cut(context, case_id, connection)


@task(name="summarise", task_run_name="summarise", retries=0, cache_policy=NO_CACHE, persist_result=False)
@redacted
async def summarise(context: Context, case_id: str) -> None:
    """Summarise what the logs told.  Safe to repeat."""
    await collection.conclude(context, case_id)


async def collect_everywhere(context: Context, case_id: str) -> None:
    """Collect in all services at once; what fails is stated, taken up by the sweep, and stops nothing."""
    await everywhere(context, lambda connection: collect(hidden(context), case_id, connection))
    await regardless(summarise(hidden(context), case_id))


@asynccontextmanager
async def collecting_meanwhile(context: Context, case_id: str) -> AsyncIterator[None]:
    """
    Collect while the run waits for its instant.  The cut never waits for it: what is under way then goes on beside it,
    and what fails, or has not answered when the cut is done, is asked for again after it.
    """
    early = asyncio.ensure_future(collection.before_the_cut(context, case_id))
    try:
        yield
    finally:
        early.cancel()  # as safe as a kill: the page that is being written is finished, the next one is not waited for
        await asyncio.wait({early})
        if not early.cancelled() and early.exception() is not None:
            _log.warning("collecting: not begun before the cut: %s", type(early.exception()).__name__)


async def plan_if_none(context: Context, case_id: str) -> None:
    """
    Plan a case that was not planned ahead: reported on its last day, or a dismissal.  A plan that stands is left as it
    is, since looking again would delay the cut.
    """
    if context.case(case_id).state in {CaseState.OPEN, CaseState.PLANNED}:
        await runbook.make_plan(context, case_id)


def require_answers(context: Context, case_id: str) -> None:
    """Raise `QuestionsOpen` while a person is asked about the case."""
    if asked := opaque_questions(context, case_id):
        raise QuestionsOpen([question.id for question in asked])


async def contain_everywhere(context: Context, case_id: str) -> None:
    """Contain all services at once.  See `everywhere`."""
    await everywhere(context, lambda connection: contain(hidden(context), case_id, connection))


async def deprovision_everywhere(context: Context, case_id: str) -> None:
    """Deprovision all services at once.  See `everywhere`."""
    await everywhere(context, lambda connection: deprovision(hidden(context), case_id, connection))


def hidden(context: Context) -> Context:
    """Wrap *context* as a task's argument: Prefect looks for futures inside arguments, and has no business inside it."""
    return cast("Context", quote(context))  # unwrapped again before the task's function sees it


async def everywhere(context: Context, step: Callable[[ConnectionId], Awaitable[None]]) -> None:
    """
    Take *step* in every service at once; one that fails never stops another, nor the steps that follow.

    What failed is in our database as a finding, or its rows are not settled: closing refuses either way.  Raises
    `QuestionsOpen` when a step may not be taken before a person has answered: that concerns the whole case.
    """
    for outcome in await _outcomes(*map(step, context.connectors)):
        if isinstance(outcome, QuestionsOpen):
            raise outcome


async def regardless(step: Awaitable[None]) -> None:
    """Take *step*; whatever becomes of it, Prefect's own failures included, the run goes on."""
    await _outcomes(step)


async def _outcomes(*steps: Awaitable[None]) -> list[Exception | None]:
    """Return what each step raised, or None; raises Prefect's own signals: suspended or cancelled from outside."""
    outcomes: list[Exception | None] = []
    for outcome in await asyncio.gather(*steps, return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
            raise outcome
        outcomes.append(outcome)
    return outcomes


@asynccontextmanager
async def holding(context: Context, case_id: str) -> AsyncIterator[None]:
    """Hold the case's lease; raises `Elsewhere` if another live run has it."""
    async with runbook.claim(context, case_id, flow_run.id or context.name("terminal")) as ours:
        if not ours:
            raise Elsewhere
        yield
