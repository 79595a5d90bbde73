"""The looks after closing: is what was seen closed closed still?"""

from prefect import flow

from casework.access import rechecking
from casework.bootstrap import open_context
from flows.periodic import Turn
from flows.redaction import redacted
from flows.results import HERE


@flow(name="rechecks", flow_run_name="rechecks", retries=0, persist_result=False, result_storage=HERE)
@redacted
async def rechecks() -> Turn:
    """Take the looks that are due; what lost its waiver, or came back, is open again.  Safe to run at any time."""
    async with open_context() as context:
        report = await rechecking.look_again(context)
    return Turn.of(looked=len(report.looked), not_looked=len(report.not_looked), reopened=len(report.reopened))
