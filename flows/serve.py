"""
The sweep's own process, outside the worker's slots: cases that wait in all of them cannot starve it.  It also sees to anchors.

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

from casework import anchoring
from casework.desk import open_store
from casework.settings import read_settings
from flows.anchor import anchor
from flows.scheduling import prefect_api
from flows.snapshots import snapshots
from flows.sweep import sweep

PERIOD = 30.0
ANCHOR_PAUSE = 300.0
"""Seconds before an anchor that could not be finished is tried again."""

_log: logging.Logger = get_logger("lastday.sweep")


async def serve(stop: asyncio.Event, *, period: float = PERIOD) -> None:
    """
    Sweep every *period* seconds until *stop*; a sweep that fails is logged, and the next one comes all the same.

    Logs are read and anchors made beside it: however long others take, no due case waits for its run.
    """
    await asyncio.gather(_sweep(stop, period), _read_logs(stop, 2 * period), _see_to_anchors(stop, period))


async def _read_logs(stop: asyncio.Event, period: float) -> None:
    idle: str | None = None
    while not stop.is_set():
        try:
            collected = await snapshots()
            if idle is not None:
                await _forget(idle)
            idle = collected.run_id if collected.idle else None
        except Exception as exc:  # noqa: BLE001  # the next turn goes on from the last page
            _log.error("snapshots: failed: %s", exc)  # the flow tells kinds and classes only
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), period)


async def _sweep(stop: asyncio.Event, period: float) -> None:
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


async def _see_to_anchors(stop: asyncio.Event, period: float) -> None:
    """Run the flow where it has something to do.  What it cannot finish, or fails at, rests for five minutes."""
    while not stop.is_set():
        pause = period
        try:
            if await asyncio.to_thread(_wanted):
                await anchor()
                pause = max(period, ANCHOR_PAUSE) if await asyncio.to_thread(_wanted) else period
        except Exception as exc:  # noqa: BLE001  # the next turn comes all the same; doctor and the run's page tell of it
            pause = max(period, ANCHOR_PAUSE)
            _log.error("anchor: failed: %s", type(exc).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


def _wanted() -> bool:
    settings = read_settings()
    store = open_store(settings)
    try:
        return anchoring.wanted(store, settings)
    finally:
        store.engine.dispose()


async def _forget(run_id: str) -> None:
    """Delete an idle run once a newer one is there: 2,880 a day would bury the runs that matter."""
    async with prefect_api() as client:
        await client.delete_flow_run(UUID(run_id))


async def _until_terminated() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(stop)


if __name__ == "__main__":
    asyncio.run(_until_terminated())
