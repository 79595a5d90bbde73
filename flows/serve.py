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
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import UUID

from prefect.logging import get_logger

from casework import anchoring
from flows.anchor import anchor
from flows.papers import papers
from flows.scheduling import prefect_api
from flows.snapshots import snapshots
from flows.sweep import sweep

PERIOD = 30.0
ANCHOR_PAUSE = 300.0
"""Seconds before an anchor that could not be finished is tried again."""

_log: logging.Logger = get_logger("lastday.sweep")


async def serve(stop: asyncio.Event, *, period: float = PERIOD) -> None:
    """
    Sweep every *period* seconds until *stop*; a turn that fails is logged, and the next one comes all the same.

    Logs are read, papers followed and anchors made beside it: however long others take, no due case waits for its run.
    """
    await asyncio.gather(
        _again(stop, "sweep", _Quietly(sweep, period)),
        _again(stop, "snapshots", _Quietly(snapshots, 2 * period)),
        _again(stop, "papers", _Quietly(papers, 2 * period)),
        _again(stop, "anchor", lambda: _see_to_anchors(period), after_failure=ANCHOR_PAUSE),
    )


async def _again(
    stop: asyncio.Event, name: str, turn: Callable[[], Awaitable[float]], *, after_failure: float = PERIOD
) -> None:
    """Take *turn*, which says how many seconds to rest, until *stop*."""
    while not stop.is_set():
        try:
            pause = await turn()
        except Exception as exc:  # noqa: BLE001  # the guarantee must outlive whatever went wrong once
            pause = after_failure
            _log.error("%s: failed: %s", name, type(exc).__name__)  # the run's own page tells more
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


class _Turned(Protocol):
    @property
    def run_id(self) -> str: ...

    @property
    def idle(self) -> bool: ...


class _Quietly:
    """A flow's turn that leaves one idle run in Prefect at most: 2,880 a day would bury those that matter."""

    def __init__(self, flow: Callable[..., Any], pause: float) -> None:
        self._flow = flow
        self._pause = pause
        self._idle: str | None = None

    async def __call__(self) -> float:
        turned: _Turned = await self._flow()
        if self._idle is not None:
            await _forget(self._idle)
        self._idle = turned.run_id if turned.idle else None
        return self._pause


async def _see_to_anchors(period: float) -> float:
    """Run the flow where it has something to do.  What it cannot finish rests for five minutes."""
    if not await asyncio.to_thread(anchoring.wanted):
        return period
    await anchor()
    return max(period, ANCHOR_PAUSE) if await asyncio.to_thread(anchoring.wanted) else period


async def _forget(run_id: str) -> None:
    """Delete a run from Prefect."""
    async with prefect_api() as client:
        await client.delete_flow_run(UUID(run_id))


async def _until_terminated() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(stop)


if __name__ == "__main__":
    asyncio.run(_until_terminated())
