"""Offboard all leavers of one instant in one process: to start fifty interpreters would take minutes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Annotated, Any, cast

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled
from prefect.utilities.annotations import quote
from pydantic import Field

from casework.bootstrap import open_context
from casework.context import Context
from casework.runbook import plainly
from flows.offboard import carry_out
from flows.redaction import OPTIONS, CaseId, FindingsOpen, redacted, to_its_state, waiting_for

MOST = 50


@flow(name="offboard-many", flow_run_name="offboard-many", **OPTIONS)
@redacted
async def offboard_many(case_ids: Annotated[list[CaseId], Field(min_length=1, max_length=MOST)]) -> State[Any] | None:
    """
    Take each of *case_ids* as far as it can go, all at once and independently.

    Safe to run again: a closed case stays closed.  The run fails if a case has findings; else it pauses if a case has questions;
    else it is cancelled if another run holds a case.  Green means that all are closed.
    """
    async with open_context() as context:
        hidden = cast("Context", quote(context))  # Prefect looks for futures inside arguments.  Unwrapped for the task
        # Prefect's types miss that an asynchronous task gives its state asynchronously too
        runs = [cast("Awaitable[State[Any]]", one(hidden, case_id, return_state=True)) for case_id in case_ids]
        endings = await asyncio.gather(*runs)
    return together(endings)


def together(endings: Sequence[State[Any]]) -> State[Any] | None:
    """Return the state of a run whose cases ended in *endings*.  Raises `FindingsOpen`, with counts by state, if one failed."""
    tally = ", ".join(f"{name} {count}" for name, count in sorted(Counter(ending.name for ending in endings).items()))
    if any(ending.is_failed() or ending.is_crashed() for ending in endings):
        raise FindingsOpen(tally)
    if asked := sum(ending.is_paused() for ending in endings):
        return waiting_for(asked)
    if not all(ending.is_completed() for ending in endings):
        return Cancelled(message=tally)
    return None


# One task for each case, not for each service: with fifty cases, Prefect's server would still be recording long after the cut.
@task(name="offboard", task_run_name="offboard-{case_id}", retries=0, cache_policy=NO_CACHE, persist_result=False)
@to_its_state
async def one(context: Context, case_id: str) -> None:
    """Carry the runbook as `flows.offboard` does, but without a task for each step."""
    await carry_out(context, case_id, redacted(plainly))
