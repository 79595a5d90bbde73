"""Confidentiality papers, followed: pledges that come back, reminders, rounds over the registers that are due again."""

from prefect import flow

from casework.bootstrap import open_context
from casework.nda import following
from flows.periodic import Turn
from flows.redaction import redacted
from flows.results import HERE


@flow(name="papers", flow_run_name="papers", retries=0, persist_result=False, result_storage=HERE)
@redacted
async def papers() -> Turn:
    """Follow pledges and papers.  A turn of its own: a register that is slow delays no case's run.  Safe to run at any time."""
    async with open_context(connected=False) as context:
        return Turn.of(followed=await following.follow_up(context))
