"""
The guarantee: a due case without a live run gets one.

Prefect alone guarantees neither: a worker that is stopped leaves its run Running, a run may be lost before it starts.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from casework import claims, sweeping
from casework.context import Context
from flows.redaction import in_vain
from flows.scheduling import prefect_api, schedule

START_WITHIN = timedelta(seconds=120)
"""How long a run may be starting before it counts as lost: thirty seconds of prefetch, and an interpreter under load."""

_SETTLING = 5.0


async def sweep(context: Context) -> dict[str, int]:
    """
    Release the runs that are dead, then see that each due case has one; return how many of each.  Asks no vendor.  Safe at any time.

    A suspicion is looked at twice, five seconds apart: a run gives its lease back a moment before Prefect hears how it ended.
    """
    async with prefect_api() as client:
        dead = await _dead(client, context)
        if dead:
            await asyncio.sleep(_SETTLING)
            dead &= await _dead(client, context)
        for run_id in {run_id for _, run_id in dead}:
            await _bury(client, run_id)
    for case_id, _ in sorted(dead):
        claims.release_run(context, case_id)
    return {"released": len(dead), "made": await schedule(context)}


async def _dead(client: PrefectClient, context: Context) -> set[tuple[str, str]]:
    """Return the (case, run) pairs that no lease proves alive and whose run will not take the case up."""
    pairs = sweeping.runs_to_check(context)
    states = {run_id: await _state(client, run_id) for run_id in {run_id for _, run_id in pairs}}
    return {(case_id, run_id) for case_id, run_id in pairs if _is_gone(states[run_id])}


def _is_gone(state: State | None) -> bool:
    """
    Whether a run in *state* is over, lost, or has been starting for too long.

    Paused counts as gone: casework does not offer a case that still waits for an answer, and `schedule` resumes it.
    """
    if state is None or state.is_final() or state.is_paused():
        return True
    starting = state.type in {StateType.PENDING, StateType.RUNNING, StateType.CANCELLING}
    return starting and datetime.now(UTC) - state.timestamp > START_WITHIN


async def _bury(client: PrefectClient, run_id: str) -> None:
    """Tell Prefect what we know, so that its page is honest and the run's concurrency slot is free."""
    state = await _state(client, run_id)
    if state is None or state.is_paused():
        return
    if state.is_cancelling() or state.name == "Cancelled":
        await in_vain(None, await client.read_flow_run(UUID(run_id)), state)
    elif not state.is_final():
        await client.set_flow_run_state(UUID(run_id), Crashed(message="no process holds its case"), force=True)


async def _state(client: PrefectClient, run_id: str) -> State | None:
    """Return the run's state; None for one that Prefect does not know (any more), or never knew: a serving process, a terminal."""
    try:
        return (await client.read_flow_run(UUID(run_id))).state
    except (ObjectNotFound, ValueError):
        return None
