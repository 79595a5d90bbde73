"""
The watching process: `python -m flows.watch`.  Looks after closing, logs, papers, anchors: nothing in it can delay a cut, and
nothing in it needs a credential that may change anything at a tenant.
"""

from __future__ import annotations

import asyncio

from casework.bootstrap import open_context
from casework.trail import anchoring
from flows.anchor import anchor
from flows.collect_again import collect_again
from flows.papers import papers
from flows.periodic import PERIOD, Quiet, again, pulsing, until_terminated
from flows.rechecks import rechecks

ANCHOR_PAUSE = 300.0
"""Seconds before an anchor that could not be finished is tried again."""


async def watch(stop: asyncio.Event) -> None:
    """Take each of the four in turns of its own until *stop*: one that is slow or fails stops no other."""
    async with open_context(connected=False) as context, pulsing(stop, context, "watch") as pulse:
        await asyncio.gather(
            again(stop, pulse, "rechecks", Quiet(rechecks, PERIOD)),
            again(stop, pulse, "collect-again", Quiet(collect_again, 2 * PERIOD)),
            again(stop, pulse, "papers", Quiet(papers, 2 * PERIOD)),
            again(stop, pulse, "anchor", _see_to_anchors, after_failure=ANCHOR_PAUSE),
        )


async def _see_to_anchors() -> float:
    """Run the flow where it has something to do.  What it cannot finish rests for five minutes."""
    if not await asyncio.to_thread(anchoring.wanted):
        return PERIOD
    await anchor()
    return ANCHOR_PAUSE if await asyncio.to_thread(anchoring.wanted) else PERIOD


if __name__ == "__main__":
    asyncio.run(until_terminated(watch))
