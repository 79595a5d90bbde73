"""
Prefect's server gets what we need there, pool, automation and deployments: `python -m flows.deploy`, in the checkout.

Twice is safe, and is how an upgrade brings its deployments.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectAlreadyExists

from flows.worker import BASE_JOB_TEMPLATE, POOL, Worker

ZOMBIES = AutomationCore.model_validate(
    {
        "name": "lastday: runs without heartbeat",
        "trigger": {
            "type": "event",
            "posture": "Proactive",
            "after": ["prefect.flow-run.heartbeat"],
            "expect": ["prefect.flow-run.*"],
            "match": {"prefect.resource.id": ["prefect.flow-run.*"]},
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
            "within": 90,
        },
        "actions": [{"type": "change-flow-run-state", "state": "CRASHED", "message": "no heartbeat for 90 s"}],
    }
)
"""A run whose process died counts as crashed: the server has no such rule of its own."""

QUEUES: dict[str, int | None] = {"cuts": None, "plans": 2, "rest": 1}
"""The pool's queues in their order, and how many runs of each go at once: one of a worker's four slots is left for cuts at least."""


async def prepare() -> None:
    """
    Make the pool, or take from an older one what it lets a run bring along, and its queues; see to the automation; take away our schedules and a default
    storage, which nothing of ours uses.  What somebody has paused or limited goes on.
    """
    async with get_client() as client:
        await _close_pool(client)
        for priority, (name, limit) in enumerate(QUEUES.items(), 1):
            await _see_to_queue(client, name, priority, limit)
        for known in await client.read_automations_by_name(ZOMBIES.name):
            await client.delete_automation(known.id)
        await client.create_automation(ZOMBIES)
        for ours in [one for one in await client.read_deployments() if one.work_pool_name == POOL]:
            for schedule in ours.schedules:  # an earlier version's, of which Prefect 3.8 on SQLAlchemy 2.1 makes no run
                await client.delete_deployment_schedule(ours.id, schedule.id)
        await client.clear_server_default_result_storage()


async def _close_pool(client: PrefectClient) -> None:
    try:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type=Worker.type, base_job_template=BASE_JOB_TEMPLATE))
    except ObjectAlreadyExists:  # an older one, or our worker's, which came first
        anew = WorkPoolUpdate(base_job_template=BASE_JOB_TEMPLATE, is_paused=False, concurrency_limit=None)
        await client.update_work_pool(POOL, anew)


async def _see_to_queue(client: PrefectClient, name: str, priority: int, limit: int | None) -> None:
    try:
        queue = await client.create_work_queue(name, work_pool_name=POOL)
    except ObjectAlreadyExists:
        queue = await client.read_work_queue_by_name(name, work_pool_name=POOL)
    await client.update_work_queue(queue.id, priority=priority, concurrency_limit=limit, is_paused=False)


def main() -> int:
    """Return what `prefect deploy` returns: 0 when every deployment of prefect.yaml is on the server."""
    asyncio.run(prepare())
    return subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
