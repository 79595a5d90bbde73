"""
The serving process: `python -m flows.serve`.  It sees that what is due is carried, outside the worker's slots: cases that wait
in all of them cannot starve it.
"""

from __future__ import annotations

import asyncio

from flows.periodic import PERIOD, Quiet, again, until_terminated
from flows.sweep import sweep


async def serve(stop: asyncio.Event) -> None:
    """Sweep every thirty seconds until *stop*."""
    await again(stop, "sweep", Quiet(sweep, PERIOD))


if __name__ == "__main__":
    asyncio.run(until_terminated(serve))
