"""
The watching process: `python -m flows.watch`.  Looks after closing, logs, papers, anchors: nothing in it can delay a cut, and
nothing in it needs a credential that may change anything at a tenant.
"""

from __future__ import annotations

import asyncio

from casework.access import rechecking
from casework.bootstrap import open_context
from casework.context import Context
from casework.nda import following
from casework.trail import anchoring
from flows.anchor import anchor
from flows.periodic import PERIOD, again, in_runs, pulsing
from flows.starting import until_terminated

ANCHOR_PAUSE = 300.0
"""Seconds before an anchor that could not be finished is tried again."""


async def watch() -> None:
    """Take each of the four in turns of its own: one that is slow or fails stops no other."""
    async with open_context(connected=False) as context, pulsing(context, "watch") as pulse:
        await asyncio.gather(
            in_runs(pulse, "rechecks", _look_again),
            in_runs(pulse, "collect-again", rechecking.collect_again, pause=2 * PERIOD),
            in_runs(pulse, "papers", following.follow_up, pause=2 * PERIOD, connected=False),
            again(pulse, "anchor", _see_to_anchors, after_failure=ANCHOR_PAUSE),
        )


async def _look_again(context: Context) -> dict[str, int]:
    """Take the looks after closing that are due; what lost its waiver, or came back, is open again."""
    return {what: len(cases) for what, cases in (await rechecking.look_again(context)).items()}


async def _see_to_anchors() -> float:
    """Run the flow where it has something to do.  What it cannot finish rests for five minutes."""
    if not await asyncio.to_thread(anchoring.wanted):
        return PERIOD
    await anchor()
    return ANCHOR_PAUSE if await asyncio.to_thread(anchoring.wanted) else PERIOD


if __name__ == "__main__":
    asyncio.run(until_terminated(watch()))
