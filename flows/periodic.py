"""Flows that a process of ours takes again and again, in its own interpreter: Prefect's `serve` would start one a run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.exceptions import PrefectSignal
from prefect.logging import get_logger, get_run_logger
from prefect.runtime import flow_run
from sqlalchemy.exc import SQLAlchemyError

from casework.context import Context
from casework.pulse import PERIOD as BEAT
from casework.pulse import Pulse
from flows.scheduling import prefect_api
from flows.starting import refuse_to_start_open

PERIOD = 30.0
_log: logging.Logger = get_logger("lastday.periodic")


async def again(
    stop: asyncio.Event, pulse: Pulse, name: str, turn: Callable[[], Awaitable[float]], *, after_failure: float = PERIOD
) -> None:
    """
    Take *turn*, which says how many seconds to rest, until *stop*.  A turn that fails is logged and told by *pulse*, and the next
    one comes all the same.
    """
    while not stop.is_set():
        well = False
        pulse.begins(name)
        try:
            pause = await turn()
            well = True
        except (Exception, PrefectSignal) as exc:  # noqa: BLE001  # the guarantee must outlive whatever went wrong once
            pause = after_failure
            _log.error("%s: failed: %s", name, type(exc).__name__)  # the run's own page tells more
        pulse.ended(name, well=well)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


@asynccontextmanager
async def pulsing(stop: asyncio.Event, context: Context, role: str) -> AsyncIterator[Pulse]:
    """Give signs of life until the end, from a thread: they stop when the event loop does, and hold it up for nothing."""
    pulse = Pulse(context, role)

    async def beat() -> float:
        await asyncio.to_thread(pulse.beat)
        return BEAT

    beating = asyncio.ensure_future(again(stop, pulse, "beat", beat, after_failure=BEAT))
    try:
        yield pulse
    finally:
        beating.cancel()
        await asyncio.wait({beating})
        with contextlib.suppress(SQLAlchemyError):  # its silence will be told instead
            pulse.stop()


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn came to.  *run_id* is its own flow run; *idle*: there was nothing to do."""

    run_id: str
    idle: bool

    @classmethod
    def of(cls, **counts: int) -> Turn:
        """Tell the running flow's log what was done, by number."""
        get_run_logger().info(", ".join(f"{what} {count}" for what, count in counts.items()))
        return cls(str(flow_run.id), idle=not any(counts.values()))


class Quiet:
    """A flow's turn that leaves one idle run in Prefect at most: 2,880 a day would bury those that matter."""

    def __init__(self, flow: Callable[..., Any], pause: float) -> None:
        self._flow = flow
        self._pause = pause
        self._idle: str | None = None

    async def __call__(self) -> float:
        turned: Turn = await self._flow()
        if self._idle is not None:
            async with prefect_api() as client:
                await client.delete_flow_run(UUID(self._idle))
        self._idle = turned.run_id if turned.idle else None
        return self._pause


async def until_terminated(serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run *serve*, and let it stop at SIGINT or SIGTERM."""
    refuse_to_start_open()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(stop)
