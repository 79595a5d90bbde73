"""Runs for due cases: created once, found again, resumed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from casework import claims, sweeping
from casework.context import Context
from casework.sweeping import DueGroup
from flows.offboard_many import MOST

_SETTLES_WITHIN = timedelta(seconds=10)
"""
From a run's pause to its process's end.  A run that is resumed while its worker still counts it is submitted a second time, and
the worker dies of it (Prefect 3.8: `CapacityLimiter`, "already holding").
"""


class PrefectUnreachable(Exception):
    """Prefect's API does not answer, refuses, or lacks our deployments.  The next sweep tries again."""


def orders(groups: Iterable[DueGroup]) -> Iterator[DueGroup]:
    """Yield *groups* as one run each carries them: fifty cases at most.  Their keys in a row would overflow an index: it is a digest."""
    for group in groups:
        for start in range(0, len(group.case_ids), MOST):
            chunk = group.case_ids[start : start + MOST]
            digest = hashlib.sha256(f"{group.key} {' '.join(chunk)}".encode()).hexdigest()
            yield replace(group, case_ids=chunk, key=f"cases:{digest}" if len(group.case_ids) > 1 else group.key)


def place(order: DueGroup) -> tuple[str, str | None]:
    """Return the deployment of the run, and its queue: None for the deployment's own, or behind whoever is due for what was cut."""
    deployment = "offboard" if len(order.case_ids) == 1 else "offboard-many"
    return "plan" if order.purpose == "plan" else deployment, "rest" if order.purpose == "again" else None


async def schedule(context: Context, answered: str | None = None) -> int:
    """
    See that each due case has a run, and that the run goes on which waits for an answer about the case *answered*; return how many
    were made or resumed.  Twice is safe, as is a run that is resumed too early or too late: it reads our database afresh.

    Raises `PrefectUnreachable`; what was made before is recorded.
    """
    async with prefect_api() as client:
        waiting = await _resume(client, answered) if answered is not None else None
        if answered is not None and waiting is not None:
            claims.record_run(context, (answered,), str(waiting))
        made = list(orders(sweeping.due_for_run(context)))
        for order in made:
            deployment_id = await _deployment(client, place(order)[0])
            run: UUID | None = None
            if len(order.case_ids) == 1:  # the page of the run that asked shows how it went on
                run = await _resume(client, order.case_ids[0], deployment_id)
            run = run or await _create(client, order, deployment_id)
            claims.record_run(context, order.case_ids, str(run))
    return len(made) + (waiting is not None)


@asynccontextmanager
async def prefect_api() -> AsyncIterator[PrefectClient]:
    """Open Prefect's API; what goes wrong with it is raised as `PrefectUnreachable`, without addresses."""
    try:
        async with get_client() as client:
            yield client
    except httpx.HTTPStatusError as exc:
        raise PrefectUnreachable(f"prefect: cannot answer: {exc.response.status_code}") from exc
    except (httpx.HTTPError, RuntimeError, ValueError) as exc:  # ValueError: no API address while ephemeral is off
        raise PrefectUnreachable(f"prefect: cannot reach its API: {type(exc).__name__}") from exc


def parameters(case_ids: Sequence[str]) -> dict[str, object]:
    """Return what a run over *case_ids* is given, and nothing else: Prefect keeps parameters in clear."""
    return {"case_id": case_ids[0]} if len(case_ids) == 1 else {"case_ids": list(case_ids)}


def tag(case_id: str) -> str:
    """Return the tag by which a run is found again from its case."""
    return f"case:{case_id}"


async def _deployment(client: PrefectClient, name: str) -> UUID:
    """Return the id of a deployment, which is named as its flow is."""
    try:
        return (await client.read_deployment_by_name(f"{name}/{name}")).id
    except ObjectNotFound as exc:
        raise PrefectUnreachable(f"prefect: cannot find the deployment {name}: run `prefect deploy --all`") from exc


async def _create(client: PrefectClient, order: DueGroup, deployment_id: UUID) -> UUID:
    run = await client.create_flow_run_from_deployment(
        deployment_id,
        name=f"{place(order)[0]}-{order.case_ids[0]}",  # until it begins Prefect would call it by two words of its own
        parameters=parameters(order.case_ids),
        state=Scheduled(scheduled_time=order.due_at),
        tags=[tag(case_id) for case_id in order.case_ids],
        idempotency_key=order.key,
        work_queue_name=place(order)[1],
    )
    return run.id


async def _resume(client: PrefectClient, case_id: str, deployment_id: UUID | None = None) -> UUID | None:
    """Resume the case's paused run, of that deployment if one is named: a cut is not made by a plan's run."""
    tags = FlowRunFilterTags(all_=[tag(case_id)])
    paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    for run in await client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags, state=paused)):
        if run.deployment_id is not None and deployment_id in {None, run.deployment_id}:
            await asyncio.sleep(_until_settled(run))
            await client.resume_flow_run(run.id)
            return run.id
    return None  # a run without a deployment has no process to go on in


def _until_settled(run: FlowRun) -> float:
    """Return the seconds until the process that paused *run* has surely ended."""
    paused_at = run.state.timestamp if run.state is not None else datetime.now(UTC)
    return max((paused_at + _SETTLES_WITHIN - datetime.now(UTC)).total_seconds(), 0.0)
