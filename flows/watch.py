"""
The watching process: `python -m flows.watch`.  It does rechecks after closing, collections, papers and anchors.  It can delay no cut,
and needs no credential that may change anything at a tenant.
"""

from __future__ import annotations

import asyncio

from casework.access import rechecking
from casework.bootstrap import open_context
from casework.context import Context
from casework.nda import follow_up
from casework.trail import anchoring
from flows.anchor import anchor
from flows.periodic import PERIOD, again, in_runs, pulsing
from flows.starting import until_terminated

ANCHOR_PAUSE = 300.0
"""Seconds until an incomplete anchor is tried again.  A choice."""


async def watch() -> None:
    """Repeat each of the four independently: if one is slow or fails, the others go on."""
    async with open_context(connected=False) as context, pulsing(context, "watch") as pulse:
        await asyncio.gather(
            in_runs(pulse, "rechecks", _look_again),
            in_runs(pulse, "collect-again", rechecking.collect_again, pause=2 * PERIOD),
            in_runs(pulse, "papers", follow_up.follow_up, pause=2 * PERIOD, connected=False),
            again(pulse, "anchor", _see_to_anchors, after_failure=ANCHOR_PAUSE),
        )


async def _look_again(context: Context) -> dict[str, int]:
    """Do the due rechecks; a case is reopened if an entitlement has come back or a waiver has ended."""
    return {what: len(cases) for what, cases in (await rechecking.look_again(context)).items()}


async def _see_to_anchors() -> float:
    """Run the flow if an anchor is due or incomplete.  Wait five minutes if it is still incomplete."""
    if not await asyncio.to_thread(anchoring.wanted):
        return PERIOD
    await anchor()
    return ANCHOR_PAUSE if await asyncio.to_thread(anchoring.wanted) else PERIOD


if __name__ == "__main__":
    asyncio.run(until_terminated(watch()))
