"""
The serving process: `python -m flows.serve`.  It guarantees the cut: it makes the runs, and carries each case itself that no run
carries, outside the worker's slots, so that waiting cases in all slots delay no cut.  It blocks accounts again that a killed restore
left open.  Any number of serving processes may run.
"""

from __future__ import annotations

import asyncio

from prefect.client.schemas.objects import WorkerStatus

from casework.access import restore
from casework.bootstrap import open_context
from casework.context import Context
from casework.settings import read_settings
from flows.carrying import PERIOD as LOOKS
from flows.carrying import CarryingLoop
from flows.health import HealthMonitor, answering
from flows.periodic import PERIOD, again, in_runs, pulsing
from flows.scheduling import prefect_api
from flows.starting import until_terminated
from flows.sweep import sweep
from flows.worker import POOL


class NoWorker(Exception):
    """No worker of the pool polls for runs."""


async def serve() -> None:
    """Sweep every thirty seconds, and look twice a second for due cases that no run holds."""
    async with open_context():
        pass  # imports the vendors' SDKs now, which takes seconds, so that no cut waits for it
    async with (
        open_context(connected=False) as context,
        open_context(connected=False) as asked,  # its own database connections: health probes take none from a cut
        pulsing(context, "serve") as pulse,
    ):
        watchman = HealthMonitor(asked)
        with answering(watchman, read_settings().health_address):
            await asyncio.gather(
                again(pulse, "carry", CarryingLoop(context), after_failure=LOOKS),
                in_runs(pulse, "sweep", sweep, connected=False),
                again(pulse, "workers", _require_a_worker),
                again(pulse, "restores", lambda: _block_interrupted(context)),
                again(pulse, "health", watchman),
            )


async def _require_a_worker() -> float:
    """Raise `NoWorker` if no worker polls for runs: then this process cuts each due case itself, seconds late."""
    async with prefect_api() as client:
        workers = await client.read_workers_for_work_pool(POOL)
    if not any(worker.status is WorkerStatus.ONLINE for worker in workers):
        raise NoWorker
    return PERIOD


async def _block_interrupted(context: Context) -> float:
    """Block accounts that an interrupted restore left open.  Needs no run, so it works without Prefect."""
    if restore.lifted(context):
        async with open_context() as connected:
            await restore.block_interrupted(connected)
    return PERIOD


if __name__ == "__main__":
    asyncio.run(until_terminated(serve()))
