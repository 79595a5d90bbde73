"""Create, find and resume Prefect runs for due cases."""

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
From a run's pause to its process's end.  If a run is resumed while its worker still counts it, it is submitted a second time, and
the worker crashes (Prefect 3.8: `CapacityLimiter`, "already holding").
"""


class PrefectUnreachable(Exception):
    """Prefect's API does not answer, refuses, or does not have our deployments.  The next sweep tries again."""


def orders(groups: Iterable[DueGroup]) -> Iterator[DueGroup]:
    """Split *groups* into orders for one run each, at most fifty cases.  The key is a digest: joined keys would overflow an index."""
    for group in groups:
        for start in range(0, len(group.case_ids), MOST):
            chunk = group.case_ids[start : start + MOST]
            digest = hashlib.sha256(f"{group.key} {' '.join(chunk)}".encode()).hexdigest()
            yield replace(group, case_ids=chunk, key=f"cases:{digest}" if len(group.case_ids) > 1 else group.key)


def place(order: DueGroup) -> tuple[str, str | None]:
    """Return the run's deployment and queue.  None: the deployment's own queue.  A case that was cut before goes to `rest`, behind due cuts."""
    deployment = "offboard" if len(order.case_ids) == 1 else "offboard-many"
    return "plan" if order.purpose == "plan" else deployment, "rest" if order.purpose == "again" else None


async def schedule(context: Context, answered: str | None = None) -> int:
    """
    Make a run for each due case, and resume the run that waits for an answer about the case *answered*; return how many were made or
    resumed.  Safe to repeat, and a resume may come too early or too late: the run reads our database again.

    Raises `PrefectUnreachable`; runs that were made before it are recorded.
    """
    async with prefect_api() as client:
        waiting = await _resume(client, answered) if answered is not None else None
        if answered is not None and waiting is not None:
            claims.record_run(context, (answered,), str(waiting))
        made = list(orders(sweeping.due_for_run(context)))
        for order in made:
            deployment_id = await _deployment(client, place(order)[0])
            run: UUID | None = None
            if len(order.case_ids) == 1:  # so that the page of the run that asked shows the answer's effect
                run = await _resume(client, order.case_ids[0], deployment_id)
            run = run or await _create(client, order, deployment_id)
            claims.record_run(context, order.case_ids, str(run))
    return len(made) + (waiting is not None)


@asynccontextmanager
async def prefect_api() -> AsyncIterator[PrefectClient]:
    """Open Prefect's API.  Its errors are raised as `PrefectUnreachable`, without addresses."""
    try:
        async with get_client() as client:
            yield client
    except httpx.HTTPStatusError as exc:
        raise PrefectUnreachable(f"prefect: cannot answer: {exc.response.status_code}") from exc
    except (httpx.HTTPError, RuntimeError, ValueError) as exc:  # ValueError: no API address while ephemeral is off
        raise PrefectUnreachable(f"prefect: cannot reach its API: {type(exc).__name__}") from exc


def parameters(case_ids: Sequence[str]) -> dict[str, object]:
    """Return the parameters of a run over *case_ids*.  Only ids: Prefect stores parameters in clear text."""
    return {"case_id": case_ids[0]} if len(case_ids) == 1 else {"case_ids": list(case_ids)}


def tag(case_id: str) -> str:
    """Return the tag by which a case's runs are found."""
    return f"case:{case_id}"


async def _deployment(client: PrefectClient, name: str) -> UUID:
    """Return the id of a deployment, which has its flow's name."""
    try:
        return (await client.read_deployment_by_name(f"{name}/{name}")).id
    except ObjectNotFound as exc:
        raise PrefectUnreachable(f"prefect: cannot find the deployment {name}: run `prefect deploy --all`") from exc


async def _create(client: PrefectClient, order: DueGroup, deployment_id: UUID) -> UUID:
    run = await client.create_flow_run_from_deployment(
        deployment_id,
        name=f"{place(order)[0]}-{order.case_ids[0]}",  # else Prefect gives it a random name until it begins
        parameters=parameters(order.case_ids),
        state=Scheduled(scheduled_time=order.due_at),
        tags=[tag(case_id) for case_id in order.case_ids],
        idempotency_key=order.key,
        work_queue_name=place(order)[1],
    )
    return run.id


async def _resume(client: PrefectClient, case_id: str, deployment_id: UUID | None = None) -> UUID | None:
    """Resume the case's paused run; with *deployment_id* only that deployment's, because a plan's run must not cut."""
    tags = FlowRunFilterTags(all_=[tag(case_id)])
    paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    for run in await client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags, state=paused)):
        if run.deployment_id is not None and deployment_id in {None, run.deployment_id}:
            await asyncio.sleep(_until_settled(run))
            await client.resume_flow_run(run.id)
            return run.id
    return None  # a run without a deployment has no process that could go on


def _until_settled(run: FlowRun) -> float:
    """Return the seconds until the process of a paused *run* has ended, by `_SETTLES_WITHIN`."""
    paused_at = run.state.timestamp if run.state is not None else datetime.now(UTC)
    return max((paused_at + _SETTLES_WITHIN - datetime.now(UTC)).total_seconds(), 0.0)
