"""
The serving process: `python -m flows.serve`.  It guarantees the cut: it makes the runs, and what nobody carries it carries itself,
outside the worker's slots, so that cases that wait in all of them starve none.  It blocks again what a killed restore left open.  Any
number of them may run.
"""

from __future__ import annotations

import asyncio

from casework.access import interrupted
from casework.bootstrap import open_context
from casework.context import Context
from flows.carrying import PERIOD as LOOKS
from flows.carrying import Carrying
from flows.periodic import PERIOD, again, in_runs
from flows.starting import until_terminated
from flows.sweep import sweep


async def serve() -> None:
    """Sweep every thirty seconds, and look twice a second for what is due and in nobody's hands."""
    async with open_context():
        pass  # the vendors' SDKs take seconds to import, which no cut waits for
    async with open_context(connected=False) as context:
        await asyncio.gather(
            again("carry", Carrying(context), after_failure=LOOKS),
            in_runs("sweep", sweep, connected=False),
            again("restores", lambda: _block_interrupted(context)),
        )


async def _block_interrupted(context: Context) -> float:
    """Without a run: no account stays open because Prefect is away."""
    if interrupted.lifted(context):
        async with open_context() as connected:
            await interrupted.block_interrupted(connected)
    return PERIOD


if __name__ == "__main__":
    asyncio.run(until_terminated(serve()))
