"""
Prepare Prefect's server: pool, automation and deployments.  Run `python -m flows.deploy` in the checkout.

Safe to repeat; run it again after each upgrade.
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
"""Marks a run as crashed after 90 s without a heartbeat, three of its 30 s: the server has no such rule of its own."""

QUEUES: dict[str, int | None] = {"cuts": None, "plans": 2, "rest": 1}
"""The pool's queues by priority, with each queue's limit of runs at once: at least one of a worker's four slots is left for cuts."""


async def prepare() -> None:
    """
    Create or update the pool, its queues and the automation.  Removes the deployments' schedules and the server's default storage,
    which lastday does not use, and resets pauses and limits that somebody has set on the pool and its queues.
    """
    async with get_client() as client:
        await _close_pool(client)
        for priority, (name, limit) in enumerate(QUEUES.items(), 1):
            await _see_to_queue(client, name, priority, limit)
        for known in await client.read_automations_by_name(ZOMBIES.name):
            await client.delete_automation(known.id)
        await client.create_automation(ZOMBIES)
        for ours in [one for one in await client.read_deployments() if one.work_pool_name == POOL]:
            for schedule in ours.schedules:  # an earlier version's: with SQLAlchemy 2.1 they make no runs
                await client.delete_deployment_schedule(ours.id, schedule.id)
        await client.clear_server_default_result_storage()


async def _close_pool(client: PrefectClient) -> None:
    try:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type=Worker.type, base_job_template=BASE_JOB_TEMPLATE))
    except ObjectAlreadyExists:  # an older pool, or our worker has created it first
        anew = WorkPoolUpdate(base_job_template=BASE_JOB_TEMPLATE, is_paused=False, concurrency_limit=None)
        await client.update_work_pool(POOL, anew)


async def _see_to_queue(client: PrefectClient, name: str, priority: int, limit: int | None) -> None:
    try:
        queue = await client.create_work_queue(name, work_pool_name=POOL)
    except ObjectAlreadyExists:
        queue = await client.read_work_queue_by_name(name, work_pool_name=POOL)
    await client.update_work_queue(queue.id, priority=priority, concurrency_limit=limit, is_paused=False)


def main() -> int:
    """Return the exit code of `prefect deploy`: 0 when every deployment of prefect.yaml is on the server."""
    asyncio.run(prepare())
    return subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
