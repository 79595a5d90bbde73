"""
The guarantee: a due case without a live run gets a new one.

Prefect alone does not guarantee it: a stopped worker leaves its run Running, and a run may be lost before it starts.
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
"""How long a run may be starting before it counts as lost: thirty seconds of prefetch, and ninety for an interpreter under load.  A choice."""

_SETTLING = 5.0


async def sweep(context: Context) -> dict[str, int]:
    """
    Release dead runs, then make a run for each due case without one; return both counts.  Calls no vendor.  Safe at any time.

    A run is dead only if it looks dead twice, five seconds apart: it gives its lease back shortly before Prefect records its end.
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
    """Return the (case, run) pairs without a live lease whose run will not claim the case."""
    pairs = sweeping.runs_to_check(context)
    states = {run_id: await _state(client, run_id) for run_id in {run_id for _, run_id in pairs}}
    return {(case_id, run_id) for case_id, run_id in pairs if _is_gone(states[run_id])}


def _is_gone(state: State | None) -> bool:
    """
    Whether a run in *state* is over, lost, or has been starting for too long.

    A paused run counts as gone: casework does not list a case that still waits for an answer, and `schedule` resumes the run.
    """
    if state is None or state.is_final() or state.is_paused():
        return True
    starting = state.type in {StateType.PENDING, StateType.RUNNING, StateType.CANCELLING}
    return starting and datetime.now(UTC) - state.timestamp > START_WITHIN


async def _bury(client: PrefectClient, run_id: str) -> None:
    """Set the dead run's state in Prefect, so that its page is right and the run's concurrency slot is free."""
    state = await _state(client, run_id)
    if state is None or state.is_paused():
        return
    if state.is_cancelling() or state.name == "Cancelled":
        await in_vain(None, await client.read_flow_run(UUID(run_id)), state)
    elif not state.is_final():
        await client.set_flow_run_state(UUID(run_id), Crashed(message="no process holds its case"), force=True)


async def _state(client: PrefectClient, run_id: str) -> State | None:
    """Return the run's state.  None: Prefect has deleted the run, or never had it (a serving process, a terminal)."""
    try:
        return (await client.read_flow_run(UUID(run_id))).state
    except (ObjectNotFound, ValueError):
        return None
