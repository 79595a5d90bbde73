"""The logs of lately cut leavers, read on: what was not complete, what came late, and whether there is silence."""

from prefect import flow

from casework.access import rechecking
from casework.bootstrap import open_context
from flows.periodic import Turn
from flows.redaction import redacted
from flows.results import HERE


@flow(name="collect-again", flow_run_name="collect-again", retries=0, persist_result=False, result_storage=HERE)
@redacted
async def collect_again() -> Turn:
    """Go on with every collection that is not complete or is due again.  Safe to run at any time, and beside a cut."""
    async with open_context() as context:
        news, reopened = await rechecking.collect_again(context)
    return Turn.of(news=news, reopened=reopened)
