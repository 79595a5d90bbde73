"""
The sweep's own process, outside the worker's slots: cases that wait in all of them cannot starve it.

    python -m flows.serve

It runs in this process and not by Prefect's `serve`, which starts an interpreter a run: every thirty seconds, for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from uuid import UUID

from prefect.logging import get_logger

from flows.scheduling import prefect_api
from flows.sweep import sweep

PERIOD = 30.0

_log: logging.Logger = get_logger("lastday.sweep")


async def serve(stop: asyncio.Event, *, period: float = PERIOD) -> None:
    """Sweep every *period* seconds until *stop*; a sweep that fails is logged, and the next one comes all the same."""
    idle: str | None = None
    while not stop.is_set():
        try:
            swept = await sweep()
            if idle is not None:
                await _forget(idle)
            idle = swept.run_id if swept.idle else None
        except Exception as exc:  # noqa: BLE001  # the guarantee must outlive whatever went wrong once
            _log.error("sweep: failed: %s", exc)  # sweep tells kinds and classes only
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), period)


async def _forget(run_id: str) -> None:
    """Delete an idle sweep once a newer one is there: 2,880 a day would bury the runs that matter."""
    async with prefect_api() as client:
        await client.delete_flow_run(UUID(run_id))


async def _until_terminated() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(stop)


if __name__ == "__main__":
    asyncio.run(_until_terminated())
