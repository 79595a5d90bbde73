"""Repeated work inside a long-lived process: Prefect's `serve` would start an interpreter for each run."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from prefect import flow
from prefect.exceptions import PrefectSignal
from prefect.logging import get_logger, get_run_logger
from prefect.runtime import flow_run
from sqlalchemy.exc import SQLAlchemyError

from casework.bootstrap import open_context
from casework.context import Context
from casework.heartbeat import PERIOD as BEAT
from casework.heartbeat import HeartbeatWriter
from flows.redaction import HERE, redacted
from flows.scheduling import prefect_api

PERIOD = 30.0
_log: logging.Logger = get_logger("lastday.periodic")


async def again(
    pulse: HeartbeatWriter, name: str, turn: Callable[[], Awaitable[float]], *, after_failure: float = PERIOD
) -> None:
    """
    Call *turn* for ever; it returns the seconds until its next call.  A failure is logged and recorded in *pulse*; the next call
    comes after *after_failure* seconds.
    """
    while True:
        pulse.begins(name)
        well = False
        try:
            pause, well = await turn(), True
        except (Exception, PrefectSignal) as exc:  # noqa: BLE001  # the guarantee must survive any single failure
            pause = after_failure
            _log.error("%s: failed: %s", name, type(exc).__name__)  # the run's page has the details
        pulse.ended(name, well=well)
        await asyncio.sleep(pause)


@asynccontextmanager
async def pulsing(context: Context, role: str) -> AsyncIterator[HeartbeatWriter]:
    """Beat the process's pulse until the end.  Beats are written in a thread, and stop when the event loop hangs."""
    pulse = HeartbeatWriter(context, role)

    async def beat() -> float:
        await asyncio.to_thread(pulse.beat)
        return BEAT

    beating = asyncio.ensure_future(again(pulse, "beat", beat, after_failure=BEAT))
    try:
        yield pulse
    finally:
        beating.cancel()
        await asyncio.wait({beating})
        with contextlib.suppress(SQLAlchemyError):  # then the missing beats raise the alarm
            pulse.stop()


async def in_runs(
    pulse: HeartbeatWriter,
    name: str,
    work: Callable[[Context], Awaitable[Mapping[str, int]]],
    *,
    pause: float = PERIOD,
    connected: bool = True,
) -> None:
    """
    Repeat *work*, each time as a Prefect run; *work* returns counts of what it did.

    Of the runs that did nothing, only the last one stays in Prefect: 2,880 a day would hide the others.
    """
    idle: str | None = None

    @flow(name=name, flow_run_name=name, retries=0, persist_result=False, result_storage=HERE)
    @redacted
    async def run() -> str | None:
        async with open_context(connected=connected) as context:
            counts = await work(context)
        get_run_logger().info(", ".join(f"{what} {count}" for what, count in counts.items()))
        return None if any(counts.values()) else str(flow_run.id)

    async def turn() -> float:
        nonlocal idle
        last, idle = idle, await run()
        if last is not None:
            async with prefect_api() as client:
                await client.delete_flow_run(UUID(last))
        return pause

    await again(pulse, name, turn)
