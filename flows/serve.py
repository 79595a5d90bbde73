"""
The serving process: `python -m flows.serve`.  It guarantees the cut: it makes the runs, and what nobody carries it carries itself,
outside the worker's slots, so that cases that wait in all of them starve none.  It blocks again what a killed restore left open.  Any
number of them may run.
"""

from __future__ import annotations

import asyncio

from prefect.client.schemas.objects import WorkerStatus

from casework.access import restore
from casework.bootstrap import open_context
from casework.context import Context
from casework.settings import read_settings
from flows.carrying import PERIOD as LOOKS
from flows.carrying import Carrying
from flows.health import Watchman, answering
from flows.periodic import PERIOD, again, in_runs, pulsing
from flows.scheduling import prefect_api
from flows.starting import until_terminated
from flows.sweep import sweep
from flows.worker import POOL


class NoWorker(Exception):
    """No worker of the pool polls for runs."""


async def serve() -> None:
    """Sweep every thirty seconds, and look twice a second for what is due and in nobody's hands."""
    async with open_context():
        pass  # the vendors' SDKs take seconds to import, which no cut waits for
    async with (
        open_context(connected=False) as context,
        open_context(
            connected=False
        ) as asked,  # connections of its own: whoever asks for the health takes none from the cut
        pulsing(context, "serve") as pulse,
    ):
        watchman = Watchman(asked)
        with answering(watchman, read_settings().health_address):
            await asyncio.gather(
                again(pulse, "carry", Carrying(context), after_failure=LOOKS),
                in_runs(pulse, "sweep", sweep, connected=False),
                again(pulse, "workers", _require_a_worker),
                again(pulse, "restores", lambda: _block_interrupted(context)),
                again(pulse, "health", watchman),
            )


async def _require_a_worker() -> float:
    """Raise if no worker polls for runs: then each due case is cut by us, late by seconds."""
    async with prefect_api() as client:
        workers = await client.read_workers_for_work_pool(POOL)
    if not any(worker.status is WorkerStatus.ONLINE for worker in workers):
        raise NoWorker
    return PERIOD


async def _block_interrupted(context: Context) -> float:
    """Without a run: no account stays open because Prefect is away."""
    if restore.lifted(context):
        async with open_context() as connected:
            await restore.block_interrupted(connected)
    return PERIOD


if __name__ == "__main__":
    asyncio.run(until_terminated(serve()))
