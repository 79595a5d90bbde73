"""Anchor the log's head: hourly if the log grew, soon after a case closed, and at least daily."""

import asyncio

from prefect import flow
from prefect.logging import get_run_logger

from casework.trail import anchoring
from flows.redaction import HERE, redacted


@flow(name="anchor", flow_run_name="anchor", retries=0, persist_result=False, result_storage=HERE)
@redacted
async def anchor() -> str:
    """
    Finish incomplete anchors and make one if it is due; return why, or why not.  Safe at any time, even several at once.

    A witness or an authority that is down does not fail the run: the next run goes on with the frozen note.
    Fails when signing is stopped, or when the database is older than its anchors.
    """
    outcome = await asyncio.to_thread(anchoring.anchor)
    log = get_run_logger()
    size = outcome.made.size if outcome.made is not None else 0
    log.info("anchor: %s, size %d, %d earlier ones finished", outcome.why, size, outcome.finished)
    if not outcome.complete:
        log.warning("anchor: not complete: %d problems; `lastday anchor` lists them", len(outcome.problems))
    return outcome.why
